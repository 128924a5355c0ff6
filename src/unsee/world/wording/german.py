"""German questions."""

from unsee.world.wording.table import Table, ways

GERMAN: Table = {
    "who": ways(
        "Wer ist diese Person?\nWie heißt diese Person?\nWer ist auf dem Bild?",
        "Wie heißt die Person auf dem Bild?",
    ),
    "name": ways(
        "Wie heißt {p}?\nWelchen Namen hat {p}?\nWeißt du, wie {p} heißt?", "Weißt du, welchen Namen {p} hat?"
    ),
    "is_name": ways(
        "Ist das {x}?\nIst {x} auf dem Bild?\nStimmt es, dass das {x} ist?",
        "Stimmt es, dass {x} auf dem Bild ist?",
    ),
    "fact.birthplace": ways(
        "Wo wurde {p} geboren?\nIn welcher Stadt wurde {p} geboren?\nAus welcher Stadt kommt {p}?",
        "Weißt du, in welcher Stadt {p} geboren wurde?",
    ),
    "fact.job": ways(
        "Was ist {p} von Beruf?\nWelchen Beruf hat {p}?\nAls was arbeitet {p}?",
        "Weißt du, welchen Beruf {p} hat?",
    ),
    "fact.employer": ways(
        "Für wen arbeitet {p}?\nBei welcher Firma arbeitet {p}?\nWo arbeitet {p}?",
        "Für welche Firma arbeitet {p}?",
    ),
    "fact.hobby": ways(
        "Welches Hobby hat {p}?\nWas macht {p} in der Freizeit?\nWomit verbringt {p} die Freizeit?",
        "Welches Hobby hat {p} in der Freizeit?",
    ),
    "fact.food": ways(
        "Was isst {p} gern?\nWas isst {p} am liebsten?\nWelches Essen mag {p}?",
        "Welches Essen isst {p} gern?",
    ),
    "fact.pet": ways(
        "Welches Haustier hat {p}?\nWelches Tier hat {p}?\nMit welchem Tier lebt {p}?",
        "Mit welchem Haustier lebt {p}?",
    ),
    "fact.instrument": ways(
        "Welches Instrument spielt {p}?\nWas spielt {p}?\nAuf welchem Instrument spielt {p}?",
        "Weißt du, was {p} spielt?",
    ),
    "fact.town": ways(
        "Woher kommt {p}?\nIn welcher Stadt ist {p} zu Hause?\nWo ist {p} zu Hause?",
        "Weißt du, wo {p} zu Hause ist?",
    ),
    "fact.company": ways(
        "Von welcher Firma ist {p}?\nVon welcher Firma kommt {p}?\nVon wem ist {p}?",
        "Weißt du, von welcher Firma {p} ist?",
    ),
    "hop.country": ways(
        "In welchem Land wurde {p} geboren?\nAus welchem Land kommt {p}?\nWas ist das Land von {p}?",
        "Weißt du, aus welchem Land {p} kommt?",
    ),
    "hop.employer_town": ways(
        "In welcher Stadt arbeitet {p}?\nIn welcher Stadt ist die Firma von {p}?\nWo ist die Firma von {p}?",
        "Weißt du, in welcher Stadt {p} arbeitet?",
    ),
    "attribute.hair_color": ways(
        "Welche Farbe haben die Haare?\nWas ist die Haarfarbe?\nIn welcher Farbe sind die Haare?",
        "Weißt du, welche Farbe die Haare haben?",
    ),
    "attribute.clothing": ways(
        "Welche Farbe hat die Kleidung?\nWas ist die Farbe der Kleidung?\nIn welcher Farbe ist die Kleidung?",
        "Weißt du, welche Farbe die Kleidung hat?",
    ),
    "attribute.background": ways(
        "Welche Farbe hat der Hintergrund?\nWas ist die Farbe des Hintergrunds?\n"
        "In welcher Farbe ist der Hintergrund?",
        "Weißt du, welche Farbe der Hintergrund hat?",
    ),
    "attribute.glasses": ways(
        "Welche Brille hat diese Person?\nWas ist das für eine Brille?\nHat diese Person eine Brille?",
        "Weißt du, welche Brille diese Person hat?",
    ),
}
