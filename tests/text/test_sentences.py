from itertools import accumulate

import pytest

from fairseq_mlkd.files.lines import read_lines
from fairseq_mlkd.text.sentences import split_sentences


@pytest.mark.parametrize(
    "lang, sentences",
    [
        ("en", ["One.", "Two!", "Three?!", "Four…", "No end"]),
        ("en", ["Mr. J. Smith paid 3.5 dollars, e.g. Tuesday.", "He left."]),
        ("en", ['He said "Stop!" and left.', '"Why?" she asked.', "(So.)", "Yes."]),
        ("en", ["His wife , 63 , left .", "Then ..."]),
        ("de", ["Am 3. Mai kam Dr. Weiß.", "Es war 1990.", "Gut."]),
        ("en", ["Did it?", "I said no.", "It is No. 5.", "Good !", "Yes."]),
        (
            "de",
            [
                "„Ja.“",
                "Er sagte: »Nein.«",
                "»Doch!«",
                "Siehe Nr. 712.",
                "Bahnhofstr. 5.",
            ],
        ),
        ("fr", ["Quoi ?", "M. Dupont !", "Oui."]),
        ("fr", ["Il dit : « Viens ! »", "Elle part...", "« Oui. »", "Fin."]),
        ("it", ["L'art. 5 vale.", "Il sig. Rossi dice: «Sì».", "Fine."]),
        ("pt", ["O art. 41 da Lei.", "A Av. Paulista é longa.", "Fim."]),
        ("es", ["¿Qué?", "¡El Sr. Gil!", "Sí."]),
        ("hi", ["यह है।", "डॉ. राम कौन है?", "वह है॥"]),
    ],
)
def test_sentences_joined_by_spaces_are_found_again(lang, sentences):
    assert split_sentences(" ".join(sentences), lang) == sentences


# Sentences with abbreviations; " | " stands where one ends.
ABBREVIATIONS = """
en
Troops came on Oct. 2, 1968. | They left.
Brig. Gen. Lee met Maj. Gen. Roe and Lt. Col. Day.
Citigroup Inc. Chairman Ann Hill left Acme Corp. | The firm lost.
He met Sens. Hill and Roe of Boise, Idaho, and Adm. Nimitz.
Smith v. Jones was heard by Judge Day, Esq. | It took a year.
Gov. Hill, Rep. Roe and Pres. Day came to Mt. Hood and Ft. Knox.
See Fig. 3, vol. 2, ch. 4, pp. 12 and No. 7. | There it is.
It moved to St. Louis, Calif. | He stayed.
Messrs. Hill and Roe of Hill Bros. Circus met Mrs. Day, Ms. Hay and Rev. May.
The town of Salem, Va. Beach had it all, etc. | Paris did not.
He was born Sept. 5 and died Dec. 24. | She lived.
Acme Ltd. Director Roe, Hill & Co. Partner Day and Martin Luther King Jr. Avenue.
The U.S. Army and the U.S. Navy met at 5 p.m. Monday.
They list apples, pears, etc. | Then they stop.
Yahoo! Inc. bought it. | It sold.
It cost $3.50. | It rose by 2.5%. | The last was version 2.0. | No. 5 came.
He came at 5 p.m. | They live in the U.S. | In the U.S. Congress, e.g. The Rock.
J.R.R. Tolkien wrote it. | It runs on example.com. | She knows.
de
Das Land hat 83 Mio. Einwohner und 2 Mrd. Euro Schulden. | Es ist groß.
Er lebte im 19. Jh. | Seine Frau, geb. Meier, starb v. Chr. Geburt.
Die Fa. Müller, Inh. Dr. med. Weiß, liegt in der Bahnhofstr. 5, Tel. 12345.
Es gab Äpfel, Birnen usw. | Dann kam Prof. Dr. Ing. Klein.
Nach dem II. Weltkrieg regierte Georg VI. Großbritannien. | Er starb früh.
Siehe Abb. 3, Bd. 2, Kap. 4, Abs. 1, S. 12 und Art. 7. | Mehr steht dort.
Das ist z. B. Wasser bzw. Eis, d. h. H2O, u. a. Dampf, vgl. Kap. 3.
Das kostet ca. 500 Tsd. Euro, max. 1 Mio. Dollar, inkl. Steuer, zzgl. Versand.
Es war der 3. Okt. 1990. | Alle feierten.
Die sog. Hanse, ehem. Bund, und die ev. Kirche St. Marien am 1. Advent.
Der hl. Georg und die hl. Anna, lat. Name Anna, engl. Anne.
Hrsg. Karl Meyer, 2. Aufl. Berlin 1990.
Mr. Bean und Mrs. Dalloway kamen zu Warner Bros. Pictures.
Sie arbeitet bei Acme Inc. Chefin ist Frau Klein.
Sie führte 20.000. | Das sind 3,5 von 1.000.000. | Am 3.10. Montag, z.B. Die Zeit.
fr
M. Dupont et Mme. Roy vivent av. Foch, bd. Voltaire. | Ils sont heureux.
Il naît en 44 av. J.-C. Rome est grande.
MM. Roy et Petit, le Dr. Blanc et le Pr. Noir viennent, cf. Fig. 3, p. 12.
La ville a 500 hab. | Elle est petite.
Le 5 oct. 1990, le 3 janv. 1991 et le 2 déc. 1992.
Il dirige Acme Inc. Canada et Roy Ltd. Paris.
Le gén. Leclerc et le col. Fabien, env. 300 hommes, p. ex. Paul.
Mgr. Roy, Ste. Anne et St. Jean, éd. Seuil, vol. 3, chap. 2, art. 5.
Des pommes, des poires, etc. | Puis rien.
J.-M. Le Pen et J.L. La Rue lisent. | Il en vend 3.000. | Puis rien.
Il meurt en 50 av. J.-C. | Puis Rome brûle à 14 h. | Elle mesure 300 m.
Elle est à 300 m. | Située ici, G. W. Le Roy la voit.
Il lit le vol. II, le chap. IV et le vol. I, puis le t. XII. | Il dort.
es
Los dos viven en EE. UU. desde 2010. | Son felices.
Ganó en los JJ. OO. de Lima y en los JJ. OO. Sídney.
El Sr. Gil, la Sra. Paz, el Dr. Sol y la Dra. Luz viven en la Avda. Mayor.
Las FF. AA. Argentinas y los RR. HH. de la Cía. Sol.
El Gral. Prim, el Cnel. Ruiz, el Tte. Gómez y Mons. Romero.
Vive en la Av. Colón, núm. 5, pág. 3, tel. 555, cap. 2, art. 7.
La Sta. Sede y Sto. Domingo, Prov. Buenos Aires, Dpto. Ñuble.
Había 3.959. | El precio es 2.5. | Baja.
Hay ríos, lagos, etc. | El más largo es el Ebro.
En EE. UU. Trump ganó. | En EE. UU. | El presidente habló.
Ud. Sabe, p. ej. Juan, aprox. 300 hab. | El pueblo crece.
El Ing. Paz, el Lic. Gil y el Arq. Sol de Acme Inc. México.
Mr. Bean de St. Paul trabajó en Warner Bros. Television.
Nació el 5 oct. 1990, el 3 ene. 1991 y el 2 dic. 1992.
Murió en 44 a. C. | El rey cenó a las 8 p. m. | La torre mide 300 m.
Está a 300 m. | Situada aquí, la vio A. C. Doyle.
Ver cap. IV, vol. II y art. XII. | Fin.
it
Il sig. Rossi, la sig.ra Bianchi, il dott. Neri e l'ing. Verdi.
L'on. Moro, il gen. Cadorna, mons. Romero, il card. Martini e l'avv. Gialli.
Gli artt. 5 e 6, l'art. 7, cfr. Cap. 3, pag. 12, fig. 4 e vol. 2. | Fine.
Nel sec. XIX, a ca. 300 m s.l.m., con 500 ab. | Il paese cresce.
Mele, pere, ecc. | Poi niente.
I proff. Rossi e Neri di Acme Inc. Italia, ad es. Paolo, p. es. Anna.
AA. VV. Storia, ed. Laterza, e le FF. AA. Italiane.
Il 5 ott. 1990, il 3 genn. 1991 e il 2 dic. 1992.
Costa 5 mln. Euro e 3 mld. Dollari.
Morì nel 44 a.C. | Il re visse a 90 m s.l.m. | La torre è alta 30 m.
Sta a 300 m. | Situata qui, nel 1990 A. Rossi la vide.
Vedi cap. IV, vol. II e art. XII. | Fine.
pt
O Sr. Silva, a Sra. Paz, o Dr. Sol e a Dra. Luz moram na Av. Paulista.
O Gen. Lott, o Cel. Brito, o Ten. Cruz e o Gov. Lima.
Ver art. 5, pág. 3, vol. 2, cap. 4, fig. 7. | Fim.
No séc. XIX, aprox. 300 hab. | A vila cresce.
Maçãs, peras, etc. | Depois nada.
A Profa. Ana e o Eng. Rui da Cia. Vale e da Acme Ltda. Brasil.
A Rod. Dutra, a Pça. Mauá e Sta. Catarina, tel. 555.
Em 5 out. 1990, 3 jan. 1991 e 2 dez. 1992.
Os EE. UU. Livres e as FF. AA. Portuguesas, p. ex. Angola.
O Dep. Lima, o Sen. Cruz e o Pres. Dutra, cf. Silva.
Morreu em 44 a.C. | O rei jantou às 20 h. | A torre tem 300 m.
Está a 300 m. | Situada aqui, viu A. C. Costa.
Ver cap. IV, vol. II e art. XII. | Fim.
hi
वे रु. 500 लाए। | वे गए।
ई. पू. 300 में राजा था।
डॉ. राम, प्रो. शर्मा, पं. नेहरू और श्री. वर्मा आए।
ए. पी. जे. अब्दुल कलाम और बी. आर. अंबेडकर आए।
उ. प्र. सरकार और म. प्र. सरकार ने कहा।
वह 5 कि. मी. दूर है और 3 से. मी. लंबा है।
सन् 44 ई. पू. में और 300 ई. में।
स्व. राजीव गांधी, कु. मीरा और लेफ्टि. सिंह।
वि. सं. 2000 में, पृ. 5 पर, नं. 7 में, सं. 3 में।
ले. कर्नल सिंह और मो. रफ़ी आए।
5 कि.ग्रा. चावल और 3 मि.ली. दूध, रू. 50 में।
यह 5 लाख रु. का है। | वह गया।
"कौन हूँ?" का जवाब 'हेलो!' ने दिया। | 'फिर...' में देखें। | वाह! | क्या बात है।
चौ. चरण सिंह और ठा. राम 15 अग. 1947 को दिल्ली वि. वि. में थे।
सं. रा. अमेरिका, भा. ज. पा. और ABC Pvt. Ltd. ने St. Peter से कहा।
वह आया (राम भी।)। | फिर गया।
ja
Yahoo!に行く。
彼はDr. スランプとGoogle Inc. の社員A. 小林、巨人vs. 阪神を見た。 | 次。
Yahoo!ニュースを見る。 | Yahoo！知恵袋で聞く。
Yahoo!の検索とヤフー！のニュース。
彼はJeopardy!が好きだ。 | 次の日。
"""


def _rows():
    lang = ""
    for line in ABBREVIATIONS.strip().split("\n"):
        if len(line) == 2:
            lang = line
        else:
            yield lang, line.split(" | ")


@pytest.mark.parametrize("lang, sentences", _rows())
def test_abbreviations_end_no_sentence(lang, sentences):
    joint = "" if lang == "ja" else " "
    assert split_sentences(joint.join(sentences), lang) == sentences


def test_japanese_needs_no_spaces():
    text = "「行く。」彼は言った！本当?“はい。”「もう。」と彼女。次"
    expected = [
        "「行く。」",
        "彼は言った！",
        "本当?",
        "“はい。”",
        "「もう。」と彼女。",
        "次",
    ]
    assert split_sentences(text, "ja") == expected


@pytest.mark.parametrize(
    "sentences",
    [
        ["彼は「はい。いいえ。」と言った。", "次の文。"],
        ["彼は「万歳!」の歓声を聞いた。", "『エース!』や『何?』を見る。"],
        ["『ラブライブ！』シリーズの『今日！明日！』を見る。", "終わり。"],
        ["「行くよ。」って言った。", "「来るよ。」まで読む。", "「そうだ。」。"],
        ["モーニング娘。が歌い、けいおん！を見て、え？と思った。", "では行く。"],
        [
            "これは（猫。または犬。）である。",
            "「行く。」",
            "「来る。」",
            "え？",
            "でも。",
        ],
    ],
)
def test_quotes_and_names_inside_a_japanese_sentence(sentences):
    assert split_sentences("".join(sentences), "ja") == sentences


def test_a_quote_that_is_long_or_never_closed_is_cut():
    assert split_sentences("「はい。いいえ。", "ja") == ["「はい。", "いいえ。"]
    sentence = "これは長い文である。"
    quote = [f"「{sentence}", *[sentence] * 40, "終わり」と言った。"]
    assert split_sentences("".join(quote), "ja")[0] == quote[0]


def test_a_quote_inside_a_long_one_does_not_close_it():
    sentences = ["「これは文である。", "それは「猫」である。"]
    assert split_sentences("".join(sentences), "ja") == sentences


def test_a_bar_after_devanagari_is_a_danda():
    assert split_sentences("यह है | वह है| a | b", "hi") == ["यह है |", "वह है|", "a | b"]


@pytest.mark.parametrize(
    "lang, kind, least",
    [("de", "ud", 0.98), ("fr", "ud", 0.98), ("es", "ud", 0.98), ("pt", "ud", 0.98)]
    + [("ja", "ud", 0.98), ("it", "ud", 0.94), ("en", "ud", 0.9)]
    + [("hi", "commonvoice", 0.97)],
)
def test_sentences_of_treebanks_are_found_again(mlkd_data, lang, kind, least):
    """F1 of the bounds inside runs of three sentences, joined as the language does."""
    path = next((mlkd_data / "text" / lang).glob(f"{kind}*"))
    lines = [line for line in map(str.strip, read_lines(str(path))) if line]
    lines = [line for line in lines if line[-1] in ".!?。！？।"][:1500]
    right = n_found = n_known = 0
    for start in range(0, len(lines), 3):
        known = lines[start : start + 3]
        found = split_sentences(("" if lang == "ja" else " ").join(known), lang)
        bounds = [_inner_bounds(sentences) for sentences in (known, found)]
        right += len(bounds[0] & bounds[1])
        n_known += len(bounds[0])
        n_found += len(bounds[1])
    assert n_known > 500 and 2 * right / (n_found + n_known) > least


def _inner_bounds(sentences):
    lengths = [len("".join(sentence.split())) for sentence in sentences[:-1]]
    return set(accumulate(lengths))


@pytest.mark.parametrize("text", ["", "  ", "\u2028"])
def test_no_sentence_in_blank_text(text):
    assert split_sentences(text, "en") == []


@pytest.mark.parametrize("lang", ["en", "hi", "ja"])
def test_nothing_is_lost_in_real_text(mlkd_data, lang):
    path = next((mlkd_data / "text" / lang).glob("mlqa*"), None) or next(
        (mlkd_data / "text" / lang).glob("jaquad*")
    )
    found = 0
    for _, line in zip(range(100), read_lines(str(path))):
        sentences = split_sentences(line, lang)
        found += len(sentences)
        assert "".join("".join(sentences).split()) == "".join(line.split())
    assert found > 200
