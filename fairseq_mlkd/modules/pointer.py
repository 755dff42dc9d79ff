"""The pointer network of "Don't Parse, Generate!" (Rongali et al., 2020)."""

import math

import torch
from torch import Tensor, nn

# as a logit, in every precision: nothing that softmax would choose, yet finite
IMPOSSIBLE = -1e4


class PointerHead(nn.Module):
    """Scores of source words; a word is stood for by its first subword.

    The score of word i is q.k / sqrt(embed_dim), q a projection of the decoder's state
    and k one of the encoder's state at the word.
    """

    def __init__(self, embed_dim: int) -> None:
        super().__init__()
        self.q_proj = nn.Linear(embed_dim, embed_dim)
        self.k_proj = nn.Linear(embed_dim, embed_dim)

    def keys(self, source: Tensor, word_starts: Tensor) -> Tensor:
        """Return what `forward` needs of the source.

        Args:
            source: `(bsz, src_len, embed_dim)`.
            word_starts: `(bsz, max_words)`, index of each word's first subword; -1
                where there is none.
        Returns:
            `(bsz, max_words, embed_dim)`.
        """
        index = word_starts.clamp(min=0).unsqueeze(-1)
        words = source.gather(1, index.expand(-1, -1, source.size(-1)))
        return self.k_proj(words)

    def forward(self, x: Tensor, keys: Tensor, word_starts: Tensor) -> Tensor:
        """Score the source's words for each position of `x`.

        Args:
            x: `(bsz, tgt_len, embed_dim)`.
            keys: from `keys`.
            word_starts: as there.
        Returns:
            `(bsz, tgt_len, max_words)`; `IMPOSSIBLE` for words that are not there.
        """
        q = self.q_proj(x) / math.sqrt(x.size(-1))
        scores = torch.matmul(q, keys.transpose(1, 2))
        return scores.masked_fill(word_starts.lt(0).unsqueeze(1), IMPOSSIBLE)
