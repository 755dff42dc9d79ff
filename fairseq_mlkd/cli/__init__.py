"""The commands by name, each a module with `get_parser` and `main`."""

COMMANDS = {
    "mlkd-download": "download",
    "mlkd-corpus": "corpus",
    "mlkd-benchmark": "benchmark",
    "mlkd-import": "import_encoder",
    "mlkd-trim": "trim",
    "mlkd-export": "export",
    "mlkd-predict": "predict",
    "mlkd-serve": "serve",
    "mlkd-latency": "latency",
    "mlkd-score": "score",
    "mlkd-average": "average",
    "mlkd-evaluate": "evaluate",
    "mlkd-report": "report",
}
