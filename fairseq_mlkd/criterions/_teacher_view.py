"""The same batch as a teacher reads it that has subwords of its own."""

from typing import Any, NamedTuple

from fairseq.dataclass import FairseqDataclass
from fairseq.tasks import FairseqTask
from torch import Tensor


class TeacherView(NamedTuple):
    """A batch in the teacher's subwords."""

    inputs: dict[str, Any]  # of the teacher
    # where words begin, (bsz, words), for the student and for the teacher; None: what
    # is inside the encoders is not compared
    word_starts: tuple[Tensor, Tensor] | None
    # by head, which of the student's labels the teacher reads, too, and vice versa: a
    # word may have no subword on one side
    shared: dict[str, Tensor]
    teacher_shared: dict[str, Tensor]
    # by head, at the shared labels, what the student cannot say, (m, classes)
    unsayable: dict[str, Tensor]

    def read_logits(self, logits: dict[str, Tensor]) -> dict[str, Tensor]:
        """The teacher's logits at the shared labels, over what the student can say."""
        found = {head: x[self.teacher_shared[head]] for head, x in logits.items()}
        for head in found.keys() & self.unsayable.keys():
            never = self.unsayable[head]
            found[head] = found[head].masked_fill(never, float("-inf"))
        return found


def view_batch(
    task: FairseqTask, reader: FairseqTask, sample: dict[str, Any]
) -> TeacherView:
    """See a batch as the teacher does.

    Args:
        task: of the student.
        reader: reads the teacher's data.
        sample: as `PairedDataset` makes.
    """
    theirs = sample["teacher"]
    inputs = {**theirs["net_input"], **reader.supervise(theirs).model_inputs}
    places, their_places = task.find_labels(sample), reader.find_labels(theirs)
    word_starts = None
    if task.has_words:
        word_starts = (task.word_starts(sample), reader.word_starts(theirs))
    shared = {head: their_places[head][place] for head, place in places.items()}
    unsayable = task.find_unsayable(sample)
    return TeacherView(
        inputs,
        word_starts,
        shared,
        {head: places[head][place] for head, place in their_places.items()},
        {head: never[shared[head]] for head, never in unsayable.items()},
    )


def open_reader(cfg: FairseqDataclass, task: FairseqTask) -> FairseqTask | None:
    """The task that reads `--teacher-data`, whose rows batches will hold; None: none.

    Raises:
        ValueError: the data do not fit, or a loss asks for what cannot be compared.
    """
    if cfg.teacher_data is None:
        return None
    flag = f"--teacher-data {cfg.teacher_data}"
    reader = task.open_teacher_data(cfg.teacher_data)
    weights = (cfg.embedding_weight, cfg.hidden_weight, cfg.attention_weight)
    if any(weights) and not task.has_words:
        raise ValueError(
            f"{flag}: sentences in other subwords can be compared by their labels "
            "alone: give --embedding-weight 0 --hidden-weight 0 --attention-weight 0"
        )
    if cfg.teacher_cache_top_k:
        raise ValueError(
            f"{flag}: the likeliest symbols may be words that the student lacks: give "
            "--teacher-cache-top-k 0"
        )
    if task.unlabelled_data and cfg.unlabelled_weight:
        raise ValueError(
            f"{flag}: the teacher cannot read --unlabelled-data: give "
            "--unlabelled-weight 0"
        )
    return reader
