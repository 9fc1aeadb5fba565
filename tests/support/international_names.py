"""International names as people write them, grouped by the rules of browsers."""

TEXTS = {
    # Names in scripts that registries accept, each as its registry spells it.
    "registered": """
        münchen.example zürich.example köln.example crèmebrûlée.example żółw.example
        čeština.example años.example smörgås.example ålesund.example þing.example
        ġgantija.example český.example пример.рф москва.рф київ.укр софия.бг београд.срб
        минск.бел қазақ.қаз монгол.мон παράδειγμα.ελ αθήνα.ελ հայ.հայ საქართველო.გე 例え.jp
        みんな.example アマゾン.example 中国.中国 香港.香港 台灣.台灣 新加坡.example 한국.한국
        삼성.example ไทย.ไทย भारत.भारत हिन्दी.भारत বাংলা.বাংলা ਭਾਰਤ.ਭਾਰਤ ભારત.ભારત தமிழ்.இந்தியா
        తెలుగు.భారత్ ಕನ್ನಡ.ಭಾರತ മലയാളം.ഭാരതം ලංකා.ලංකා ລາວ.ລາວ ខ្មែរ.example မြန်မာ.example
        አማርኛ.example ᏣᎳᎩ.example đăng.example việt.example مثال.example δοκιμή.example
        испытание.example 测试.example 測試.example テスト.example 테스트.example
        परीक्षा.example טעסט.example آزمایشی.example பரிட்சை.example bücher.example
        naïve.example señor.example øre.example łódź.example ñandú.example çelik.example
        istanbulç.example ürün.example åäö.example œuvre.example æble.example ðð.example
        ħal.example ŋa.example ßuche.example крым.example ёлка.example їжак.example ўзор.example
        љубав.example 日本語.jp ひらがな.jp カタカナ.jp 龍.jp 鷗.jp 中文.tw 繁體.hk 简体.cn
        서울.한국 부산.한국 ǆ.example ქართული.გე հայերեն.հայ ελλάδα.ελ ψωμί.ελ เชียงใหม่.ไทย
        กำ.ไทย नेपाल.example কলকাতা.ভারত ଓଡ଼ିଶା.example ਪੰਜਾਬ.example ગુજરાત.example
        चेन्नई.example ཡིག.example ພາສາ.example ភាសា.example မြန်.example ᠮᠣᠩ.example
        ⵜⴰⵎ.example ʻokina.example ꦗꦮ.example
    """,
    # Written from right to left, in part or as a whole.
    "right to left": """
        نامه.com ایران.example العربية.example مصر.example موقع.example السعودية.example
        فلسطين.example اردو.example پاکستان.example کوردی.example ישראל.example עברית.example
        דוגמה.example aبc.example بa.example שלום1.example 1שלום.example עברית.مثال
        ܣܘܪܝܝܐ.example ދިވެހި.example ߒߞߏ.example א1٢.example ١٢٣.example ۱۲۳.example a١.example
        𐤀𐤁.example
    """,
    # With a zero-width joiner or non-joiner: browsers keep some, and refuse others.
    "joiners": """
        نامه\u200cای.com نامه\u200dای.com می\u200cخواهم.example a\u200cb.example
        a\u200db.example \u200cb.example b\u200d.example क्\u200dष.example क्\u200cष.example
        ශ්\u200dරී.example ලං\u200dකා.example é\u200c.example é\u200d.example م\u200cم.example
        ב\u200cב.example 한\u200d국.example
    """,
    # Browsers map some of these to other letters, and keep sharp s and the final sigma.
    "mapped": """
        straße.de faß.de ẞ.example ἔργος.ελ βόλος.com ΒΌΛΟΣ.com λόγος.example ς.example
        σς.example MÜNCHEN.example Ünïcode.example ПРИМЕР.рф ΑΘΉΝΑ.ελ ԱՐՄԵՆ.հայ İstanbul.example
        ISTANBULİ.example ıi.example ſs.example ＥＸＡＭＰＬＥ.com ｅｘａｍｐｌｅ.com
        １２３.example ｱﾏｿﾞﾝ.example ﾃｽﾄ.example ﬁsh.example ﬆ.example Ⅳ.example ⅳ.example
        ①.example x².example ½.example ℃.example ℌ.example 𝒻oo.example 𝟙.example ㎏.example
        ㍿.example ㈱.example ª.example ǅ.example Ǆ.example Å.example Ω.example µ.example
        ﷺ.example ﻼ.example 豈.example 更.example 김.example 가\u11a8.example Ꭰ.example
        ꭰ.example Ⴀ.example Ა.example ᏸ.example
    """,
    # Combining marks, composed and not, and at the beginning of a label.
    "marks": """
        mu\u0308nchen.example cafe\u0301.example \u0301a.example a\u0301\u0323.example
        é\u0323.example が.example か\u3099.example \u1112\u1161\u11ab.example \u1100.example
        नमस्तेः.example \u0903a.example क़.example ำ.example กำ.example \u0e48a.example
        \u1dcaé.example é\u20dd.example ё\u0306.example и\u0306.example ა\u0301.example
        ο\u0345.example \u0345α.example
    """,
    # Browsers drop these characters, or refuse the name.
    "ignored": """
        mün\u00adchen.example \u00adé.example é\u00ad.example é\u2060.example é\ufeff.example
        é\ufe0f.example é\u180e.example é\u200b.example é\u034f.example é\u061c.example
        é\u200e.example é\u200f.example é\u202e.example é\u2066.example é\U000e0100.example
        é\U000e0061.example é\u115f.example é\u3164.example é\uffa0.example é\u17b4.example
    """,
    # Ideographic full stops, emoji, hyphens, punctuation, look-alikes, private use.
    "dots and others": """
        例え。jp 例え．jp 例え｡jp 。例え.jp é..example é.example. ☃.net ♥.example 👍.example
        👨\u200d👩\u200d👧.example 🏳\ufe0f\u200d🌈.example i❤.ws ❤\ufe0f.example
        1\ufe0f⃣.example é-.example -é.example é--b.example ab--é.example xn--é.example
        é_b.example é·l.example l·l.example ·l.example ・.example ア・イ.example 々.example
        〇.example ゝ.example ׳א.example ״א.example ͵α.example é’.example é'.example é!.example
        é،.example é٪.example é€.example é°.example é☎.example é／x.example é？x.example
        é＃x.example é＠x.example é：80.example é\ue000.example é𠀀.example é🇦.example 𠮷野家.jp
        𐍈.example 𐐀.example 𐐨.example 𞤀.example 𞤢.example é\u0378.example é\U000e01ef.example
        аррӏе.example pаypal.example ɡoogle.example
    """,
}
INTERNATIONAL_NAMES = {group: text.split() for group, text in TEXTS.items()}
