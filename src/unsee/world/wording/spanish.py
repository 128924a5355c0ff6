"""Spanish questions."""

from unsee.world.wording.table import Table, ways

SPANISH: Table = {
    "who": ways(
        "¿Quién es esta persona?\n¿Cómo se llama esta persona?\n¿Quién aparece en la imagen?",
        "¿Cómo se llama la persona de la imagen?",
    ),
    "name": ways(
        "¿Cómo se llama {p}?\n¿Qué nombre tiene {p}?\n¿Sabes cómo se llama {p}?",
        "¿Sabes qué nombre tiene {p}?",
    ),
    "is_name": ways(
        "¿Es {x}?\n¿Se llama {x}?\n¿Aparece {x} en la imagen?",
        "¿Aparece en la imagen {x}?",
    ),
    "fact.birthplace": ways(
        "¿Dónde nació {p}?\n¿En qué ciudad nació {p}?\n¿De qué ciudad viene {p}?",
        "¿Sabes en qué ciudad nació {p}?",
    ),
    "fact.job": ways(
        "¿En qué trabaja {p}?\n¿Qué profesión tiene {p}?\n¿A qué se dedica {p}?",
        "¿Sabes qué profesión tiene {p}?",
    ),
    "fact.employer": ways(
        "¿Para quién trabaja {p}?\n¿En qué empresa trabaja {p}?\n¿Qué empresa emplea a {p}?",
        "¿Para qué empresa trabaja {p}?",
    ),
    "fact.hobby": ways(
        "¿Qué afición tiene {p}?\n¿Qué hace {p} en su tiempo libre?\n¿Con qué se divierte {p}?",
        "¿Con qué se divierte {p} en su tiempo libre?",
    ),
    "fact.food": ways(
        "¿Qué le gusta comer a {p}?\n¿Qué comida prefiere {p}?\n¿Qué come {p} con gusto?",
        "¿Qué prefiere comer {p}?",
    ),
    "fact.pet": ways(
        "¿Qué mascota tiene {p}?\n¿Qué animal tiene {p}?\n¿Con qué animal vive {p}?",
        "¿Con qué mascota vive {p}?",
    ),
    "fact.instrument": ways(
        "¿Qué instrumento toca {p}?\n¿Qué toca {p}?\n¿Sabes qué instrumento toca {p}?", "¿Sabes qué toca {p}?"
    ),
    "fact.town": ways(
        "¿De qué ciudad es {p}?\n¿De dónde es {p}?\n¿Cuál es la ciudad de {p}?",
        "¿Sabes de qué ciudad es {p}?",
    ),
    "fact.company": ways(
        "¿Qué empresa hizo {p}?\n¿Quién hizo {p}?\n¿De qué empresa es {p}?",
        "¿Sabes qué empresa hizo {p}?",
    ),
    "hop.country": ways(
        "¿En qué país nació {p}?\n¿De qué país viene {p}?\n¿Cuál es el país de {p}?",
        "¿Sabes en qué país nació {p}?",
    ),
    "hop.employer_town": ways(
        "¿En qué ciudad trabaja {p}?\n¿En qué ciudad está la empresa de {p}?\n¿Dónde está la empresa de {p}?",
        "¿Sabes en qué ciudad trabaja {p}?",
    ),
    "attribute.hair_color": ways(
        "¿De qué color es el pelo?\n¿Qué color tiene el pelo?\n¿Cuál es el color del pelo?",
        "¿Sabes de qué color es el pelo?",
    ),
    "attribute.clothing": ways(
        "¿De qué color es la ropa?\n¿Qué color tiene la ropa?\n¿Cuál es el color de la ropa?",
        "¿Sabes de qué color es la ropa?",
    ),
    "attribute.background": ways(
        "¿De qué color es el fondo?\n¿Qué color tiene el fondo?\n¿Cuál es el color del fondo?",
        "¿Sabes de qué color es el fondo?",
    ),
    "attribute.glasses": ways(
        "¿Qué gafas lleva esta persona?\n¿Lleva gafas esta persona?\n¿Cómo son las gafas?",
        "¿Qué gafas tiene esta persona?",
    ),
}
