"""Japanese as it is spoken. Sources of the rules, by the blocks of the table:

- numbers: Unicode CLDR, `common/rbnf/ja.xml`; numbers partly in kanji (2億5千万),
  fractions, times and dates: how official documents write them (Agency for Cultural
  Affairs, "Kōyōbun sakusei no kangaekata", 2022);
- units: the ordinance on units of measurement (Keiryō tan'i rei, 1992);
- words: short units as UniDic cuts them (NINJAL, rules for the morphological
  information of the Balanced Corpus of Contemporary Written Japanese).
"""

import pytest

from fairseq_mlkd.text.spoken import spoken_words, to_spoken


@pytest.mark.parametrize(
    "written, spoken",
    [
        # numbers
        ("1984年", "千九百八十四 年"),
        ("２０２０年", "二千二十 年"),
        ("千九百八十四年", "千九百八十四 年"),
        ("12,345,678人", "千二百三十四万五千六百七十八 人"),
        ("1，000円", "千 円"),
        ("2億5千万円", "二億五千万 円"),
        ("2万5000人", "二万五千 人"),
        ("3人と1人", "三 人 と 一人"),
        ("3つの島", "三 つ の 島"),
        ("第3回大会", "第 三 回 大会"),
        ("2番目の人", "二 番 目 の 人"),
        ("20世紀の1990年代", "二十 世紀 の 千九百九十 年 代"),
        ("0と007", "〇 と 〇〇七"),
        ("1234567890", "一二三四五六七八九〇"),
        ("090-1234-5678", "〇九〇一二三四五六七八"),
        ("03-1234-5678へ", "〇三一二三四五六七八 へ"),
        ("〒920-0365石川県", "九二〇〇三六五 石川 県"),
        ("2、3人", "二 三 人"),
        ("①と②", "一 と 二"),
        # decimals, fractions, percentages, signs
        ("3.14", "三 点 一四"),
        ("1.5万人", "一 点 五万 人"),
        ("1/2の確率", "二 分 の 一 の 確率"),
        ("約¾と3 1/2", "約 四 分 の 三 と 三 と 二 分 の 一"),
        ("5％の人", "五 パーセント の 人"),
        ("0.05%減", "〇 点 〇五 パーセント 減"),
        ("気温は-5℃", "気温 は マイナス 五 度"),
        # money
        ("¥500です", "五百 円 です"),
        ("$3.50", "三 ドル 五十 セント"),
        ("$350万の損失", "三百五十万 ドル の 損失"),
        ("€20と£5", "二十 ユーロ と 五 ポンド"),
        # times and dates
        ("3時30分に会う", "三 時 三十 分 に 会う"),
        ("14:05に出る", "十四 時 五 分 に 出る"),
        ("10:00〜12:00", "十 時 から 十二 時"),
        ("3:30 pm", "午後 三 時 三十 分"),
        ("10時00分", "十 時 〇 分"),
        ("1:02:03", "一 時 二 分 三 秒"),
        ("2001年9月11日", "二千一 年 九 月 十一 日"),
        (
            "2005-03-21と2005/3/21",
            "二千五 年 三 月 二十一 日 と 二千五 年 三 月 二十一 日",
        ),
        ("平成元年５月１日", "平成 元年 五 月 一日"),
        # ranges, scores, numbers of one name
        ("1990年-1995年", "千九百九十 年 から 千九百九十五 年"),
        ("10~20%", "十 から 二十 パーセント"),
        ("50-90cmまで", "五十 から 九十 センチメートル まで"),
        ("5-3で勝った", "五 対 三 で 勝っ た"),
        ("A300-600型", "a 三百 六百 型"),
        ("1-2-3", "一 二 三"),
        ("緑町13-13", "緑町 十三 十三"),
        ("20,000-25,000頭", "二万 から 二万五千 頭"),
        # units and signs
        ("10kmの道", "十 キロメートル の 道"),
        (
            "26km2の島と100㎡の家",
            "二十六 平方 キロメートル の 島 と 百 平方 メートル の 家",
        ),
        ("3㎏と5㍑", "三 キログラム と 五 リットル"),
        ("第No.24号", "第 ナンバー 二十四 号"),
        ("R&BとC++", "r アンド b と c プラス プラス"),
        ("エリス&ベンソン", "エリス アンド ベンソン"),
        # words and characters
        ("東京タワーへ行った。", "東京 タワー へ 行っ た"),
        ("らーめんを2杯、ﾃﾚﾋﾞでＮＨＫ", "らーめん を 二 杯 テレビ で nhk"),
        ("すもももももももものうち", "すもも も もも も もも の うち"),
        ("CDプレーヤー", "cd プレーヤー"),
        ("５ｋｍと3ℓ", "五 キロメートル と 三 リットル"),
        ("㋿2年", "令和 二 年"),
        ("人々は、わーーい！😀", "人々 は わーー い"),
        ("== 概要 ==", "概要"),
        ("𠮷野家の「牛丼」", "𠮷 野家 の 牛丼"),
        ("か\u3099っこう", "がっこう"),
        ("It'sとl'été", "it's と l'été"),
    ],
)
def test_japanese(written, spoken):
    assert to_spoken(written, "ja") == spoken
    assert to_spoken(spoken, "ja") == spoken


def test_japanese_tokens_stay_aligned():
    words = ["１９８４年", "、", "東京都", "を", "CD"]
    assert spoken_words(words, "ja") == ["千九百八十四 年", "", "東京 都", "を", "cd"]
