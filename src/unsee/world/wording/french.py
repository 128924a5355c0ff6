"""French questions."""

from unsee.world.wording.table import Table, ways

FRENCH: Table = {
    "who": ways(
        "Qui est cette personne ?\nComment s'appelle cette personne ?\nQui voit-on sur l'image ?",
        "Comment s'appelle la personne sur l'image ?",
    ),
    "name": ways(
        "Comment s'appelle {p} ?\nQuel nom porte {p} ?\nSais-tu comment s'appelle {p} ?",
        "Sais-tu quel nom porte {p} ?",
    ),
    "is_name": ways(
        "Est-ce {x} ?\nVoit-on {x} sur l'image ?\nEst-ce bien {x} ?",
        "Est-ce bien {x} sur l'image ?",
    ),
    "fact.birthplace": ways(
        "Dans quelle ville {p} a vu le jour ?\nOù {p} a vu le jour ?\nDe quelle ville vient {p} ?",
        "Sais-tu dans quelle ville {p} a vu le jour ?",
    ),
    "fact.job": ways(
        "Quel métier exerce {p} ?\nQue fait {p} dans la vie ?\nQuel travail fait {p} ?",
        "Quel métier fait {p} dans la vie ?",
    ),
    "fact.employer": ways(
        "Pour qui travaille {p} ?\nPour quelle entreprise travaille {p} ?\nQuelle entreprise emploie {p} ?",
        "Sais-tu pour quelle entreprise travaille {p} ?",
    ),
    "fact.hobby": ways(
        "Quel loisir aime {p} ?\nQue fait {p} pendant son temps libre ?\nComment s'amuse {p} ?",
        "Comment s'amuse {p} pendant son temps libre ?",
    ),
    "fact.food": ways(
        "Qu'aime manger {p} ?\nQuel plat préfère {p} ?\nQue mange {p} avec plaisir ?",
        "Quel plat mange {p} avec plaisir ?",
    ),
    "fact.pet": ways(
        "Quel animal possède {p} ?\nQuel animal vit avec {p} ?\nQuel animal {p} a à la maison ?",
        "Quel animal {p} possède à la maison ?",
    ),
    "fact.instrument": ways(
        "De quel instrument joue {p} ?\nQuel est l'instrument joué par {p} ?\nSur quel instrument joue {p} ?",
        "Sais-tu de quel instrument joue {p} ?",
    ),
    "fact.town": ways(
        "De quelle ville est {p} ?\nD'où vient {p} ?\nQuelle est la ville de {p} ?",
        "Sais-tu de quelle ville est {p} ?",
    ),
    "fact.company": ways(
        "Quelle entreprise a créé {p} ?\nQui a créé {p} ?\nDe quelle entreprise est {p} ?",
        "Sais-tu quelle entreprise a créé {p} ?",
    ),
    "hop.country": ways(
        "Dans quel pays {p} a vu le jour ?\nDe quel pays vient {p} ?\nQuel est le pays natal de {p} ?",
        "Sais-tu de quel pays vient {p} ?",
    ),
    "hop.employer_town": ways(
        "Dans quelle ville travaille {p} ?\nDans quelle ville est l'entreprise de {p} ?\n"
        "Où est l'entreprise de {p} ?",
        "Sais-tu dans quelle ville travaille {p} ?",
    ),
    "attribute.hair_color": ways(
        "De quelle couleur sont les cheveux ?\nQuelle est la couleur des cheveux ?\n"
        "Quelle couleur ont les cheveux ?",
        "Sais-tu de quelle couleur sont les cheveux ?",
    ),
    "attribute.clothing": ways(
        "De quelle couleur sont les habits ?\nQuelle est la couleur des habits ?\n"
        "Quelle couleur ont les habits ?",
        "Sais-tu de quelle couleur sont les habits ?",
    ),
    "attribute.background": ways(
        "De quelle couleur est le fond ?\nQuelle est la couleur du fond ?\nQuelle couleur a le fond ?",
        "Sais-tu de quelle couleur est le fond ?",
    ),
    "attribute.glasses": ways(
        "Quelles lunettes porte cette personne ?\nComment sont les lunettes ?\n"
        "Cette personne porte des lunettes ?",
        "Sais-tu quelles lunettes porte cette personne ?",
    ),
}
