#!/usr/bin/env bash
# The same binary data with subword-nmt and fairseq-preprocess alone.
#
#   stock_preprocess.sh IN_TEXT_DIR CORPUS_DIR OUT
#
# IN_TEXT_DIR/LANG/{train,valid}.txt: one sentence a line, in spoken form.
# CORPUS_DIR: what mlkd-corpus wrote; its codes and dict.txt are used.
# OUT/LANG/{train,valid}.{bin,idx}: the result.
set -euo pipefail

if [ $# -ne 3 ]; then
    echo "usage: $0 IN_TEXT_DIR CORPUS_DIR OUT" >&2
    exit 2
fi
texts=$1 corpus=$2 out=$3

for file in "$corpus/codes" "$corpus/dict.txt" "$texts"/*/{train,valid}.txt; do
    if [ ! -f "$file" ]; then
        echo "$0: $file is missing" >&2
        exit 1
    fi
done

segmented=$(mktemp -d)
trap 'rm -rf "$segmented"' EXIT

for folder in "$texts"/*/; do
    lang=$(basename "$folder")
    for split in train valid; do
        subword-nmt apply-bpe --codes "$corpus/codes" \
            --input "$folder/$split.txt" --output "$segmented/$lang.$split"
    done
    fairseq-preprocess --only-source --dataset-impl mmap \
        --srcdict "$corpus/dict.txt" \
        --trainpref "$segmented/$lang.train" --validpref "$segmented/$lang.valid" \
        --destdir "$out/$lang"
done
