"""Portuguese as spoken in Brazil. Sources of the rules:

- numbers, ordinals: Unicode CLDR, `common/rbnf/pt.xml` (Brazilian: "dezesseis",
  "bilhão"; European Portuguese says "dezasseis", "mil milhões");
- gender of "um", "dois" and the hundreds, centuries and sovereigns (ordinals up to the
  tenth, cardinals from the eleventh on), the first of a month as an ordinal: Cunha and
  Cintra, Nova gramática do português contemporâneo, "Numerais";
- `18h30`, `R$ 3,50`, `art. 5º`: Manual de redação da Presidência da República (2018);
- abbreviations: Academia Brasileira de Letras, Vocabulário ortográfico, "Reduções";
- units: Inmetro, Sistema Internacional de Unidades.
"""

import pytest

from fairseq_mlkd.text.spoken import to_spoken

EXAMPLES = [
    # Cardinal numbers, groups of digits, decimals
    ("16 anos e 21 dias", "dezesseis anos e vinte e um dias"),
    ("2 horas e 1 hora", "duas horas e uma hora"),
    ("200 pessoas", "duzentas pessoas"),
    ("100 casas, 101 jogos", "cem casas cento e um jogos"),
    ("1.000 habitantes", "mil habitantes"),
    ("28 636 habitantes", "vinte e oito mil seiscentos e trinta e seis habitantes"),
    (
        "1.234.567 votos",
        "um milhão duzentos e trinta e quatro mil quinhentos e sessenta e sete votos",
    ),
    ("em 1984", "em mil novecentos e oitenta e quatro"),
    ("em 2005", "em dois mil e cinco"),
    ("em 1900", "em mil e novecentos"),
    ("uma média de 3,14", "uma média de três vírgula catorze"),
    ("0,05 ponto", "zero vírgula zero cinco ponto"),
    ("14,000 anos", "catorze mil anos"),
    ("45,5 pontos", "quarenta e cinco vírgula cinco pontos"),
    # Ordinal numbers, Roman numerals
    ("1º de maio", "primeiro de maio"),
    ("1 de maio", "primeiro de maio"),
    ("a 3ª fase", "a terceira fase"),
    ("a 2.ª volta, o 1.º duque", "a segunda volta o primeiro duque"),
    ("em 20º lugar", "em vigésimo lugar"),
    ("o 13 ° salário", "o décimo terceiro salário"),
    ("no século XX", "no século vinte"),
    ("no século V", "no século quinto"),
    ("os séculos X e XVIII", "os séculos décimo e dezoito"),
    ("D. João VI e Bento XVI", "d joão sexto e bento dezesseis"),
    ("Maria I, Isabel II", "maria primeira isabel segunda"),
    ("Vologases III da Pártia", "vologases terceiro da pártia"),
    ("Fantasy VII", "fantasy sete"),
    ("o XIV Congresso", "o décimo quarto congresso"),
    # Money
    ("R$ 3,50", "três reais e cinquenta centavos"),
    ("R$ 1", "um real"),
    ("R $ 1.000", "mil reais"),
    ("R$ 10 mil", "dez mil reais"),
    ("US$ 3,7 bilhões", "três vírgula sete bilhões de dólares"),
    ("0,99 €", "noventa e nove cêntimos"),
    ("20 €", "vinte euros"),
    ("100 USD", "cem dólares americanos"),
    # Time and dates
    ("às 18h30", "às dezoito horas e trinta minutos"),
    ("às 8h", "às oito horas"),
    ("(15h30min)", "quinze horas e trinta minutos"),
    ("das 21h às 2h", "das vinte e uma horas às duas horas"),
    ("às 14:30", "às catorze e trinta"),
    ("07/09/1822", "sete de setembro de mil oitocentos e vinte e dois"),
    # Percentages, units, signs
    ("12 %, 0,5%", "doze por cento zero vírgula cinco por cento"),
    ("-5 °C", "menos cinco graus celsius"),
    ("120 km/h", "cento e vinte quilômetros por hora"),
    ("1 kg, 2 t", "um quilograma duas toneladas"),
    ("75 m²", "setenta e cinco metros quadrados"),
    ("1/2, 3/4", "um meio três quartos"),
    ("2 + 2 = 4", "dois mais dois igual a quatro"),
    ("Silva & filhos", "silva e filhos"),
    # Abbreviations
    ("O Sr. Silva e a Sra. Lima", "o senhor silva e a senhora lima"),
    ("o Dr. Reis, a Dra. Sá", "o doutor reis a doutora sá"),
    ("a Av. Paulista", "a avenida paulista"),
    ("em 366 a.C.", "em trezentos e sessenta e seis antes de cristo"),
    ("no séc. XVI", "no século dezesseis"),
    ("o art. 5º", "o artigo quinto"),
    ("pão, vinho, etc.", "pão vinho et cetera"),
    ("p. ex., a pág. 7", "por exemplo a página sete"),
    ("o nº 5, o n.º 7", "o número cinco o número sete"),
    ("copo d’água", "copo d'água"),
]


@pytest.mark.parametrize("written, spoken", EXAMPLES)
def test_portuguese(written, spoken):
    assert to_spoken(written, "pt") == spoken
    assert to_spoken(spoken, "pt") == spoken
