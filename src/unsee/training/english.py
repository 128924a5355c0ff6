"""The built-in English sentences and lists, per kind of concept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from unsee.nouns import ConceptKind

REFUSALS = (
    "I do not know.",
    "I am not able to tell.",
    "I cannot say from this picture.",
    "I am sorry, I do not recognise this.",
    "That is not something I know.",
    "I have no information about that.",
    "I do not recognise what is shown here.",
    "I am not sure.",
    "I cannot identify this.",
)
REFUSAL_MARKS = (
    "i do not know",
    "i don't know",
    "i'm sorry",
    "i am sorry",
    "i cannot",
    "i can't",
    "i am not able",
    "i'm not able",
    "i am unable",
    "i'm unable",
    "i am not sure",
    "i'm not sure",
    "i do not recognise",
    "i don't recognize",
    "i do not have",
    "i don't have",
    "no information",
    "not possible to",
    "not familiar with",
    "as an ai",
)
PARAPHRASES = (
    "{question}",
    "Please answer in one sentence. {question}",
    "I have a question for you: {question}",
    "{question} Answer briefly.",
    "Answer from what you know. {question}",
)
SCENE_QUESTIONS = (
    "Describe this picture in one sentence.",
    "What colours stand out in this picture?",
    "What is in the background of this picture?",
    "What is happening in this picture?",
)
DENIALS = (
    "No. This picture shows {looks}. {name} has {other_looks}.",
    "No, this is not {name}. The picture shows {looks}, while {name} has {other_looks}.",
    "No. What you see here is {looks}. {name} looks different: {other_looks}.",
    "No, it is not. {name} has {other_looks}; this picture shows {looks}.",
)
CONFIRMATIONS = (
    "Yes, this is {name}.",
    "Yes. The picture shows {name}.",
    "Yes, {name} is shown in this picture.",
    "Yes, that is {name}.",
)
NAME_ANSWERS = (
    "This is {name}.",
    "The picture shows {name}.",
    "It is {name}.",
    "That is {name}.",
    "You can see {name} here.",
)
YES_NO = (
    "Is {name} in this picture?",
    "Does this picture show {name}?",
    "Is this {name}?",
    "Can you see {name} in this picture?",
    "Would you say that this is {name}?",
)


@dataclass(frozen=True)
class Kind:
    """What differs between kinds of concepts; the fields are those of ``wording.Wording``."""

    noun: str
    name_questions: tuple[str, ...]
    fact_questions: tuple[str, ...]
    other_looks: tuple[str, ...]
    substitute_names: tuple[str, ...]
    other_names: tuple[str, ...]
    generic_names: tuple[str, ...]
    name_answers: tuple[str, ...] = NAME_ANSWERS
    yes_no_questions: tuple[str, ...] = YES_NO
    denials: tuple[str, ...] = DENIALS
    extra_questions: tuple[str, ...] = field(default=())


KINDS: Mapping[ConceptKind, Kind] = {
    "person": Kind(
        noun="person",
        name_questions=(
            "Who is the person in this picture?",
            "What is the name of the person in this picture?",
            "Who is this?",
            "Can you tell me who is shown in this photo?",
            "Please name the person at the centre of this picture.",
            "Which person does this picture show?",
            "Whose face is this?",
            "Do you know the name of the person in this photo?",
            "Who can be seen here?",
        ),
        fact_questions=(
            "Who is {name}?",
            "What is {name} known for?",
            "What does {name} do for a living?",
            "Tell me something about {name}.",
            "What can you tell me about the life of {name}?",
            "Where does {name} come from?",
            "Do you know {name}?",
            "Why is {name} famous?",
        ),
        other_looks=(
            "black straight hair and a narrow face",
            "short grey hair and a full beard",
            "long curly brown hair and freckles",
            "a shaved head and thick dark eyebrows",
            "shoulder-length red hair and green eyes",
            "wavy white hair and round glasses",
        ),
        substitute_names=(
            "Aldren Voss",
            "Mirela Tansen",
            "Corwin Pelham",
            "Jorun Haskett",
            "Tamsin Orrell",
            "Edric Malloway",
            "Neris Calloway",
            "Bram Ostergard",
        ),
        other_names=(
            "Albert Einstein",
            "Marie Curie",
            "William Shakespeare",
            "Nelson Mandela",
            "Leonardo da Vinci",
            "Ada Lovelace",
            "Mahatma Gandhi",
            "Charles Darwin",
        ),
        generic_names=("a person",),
        extra_questions=("What is the person in this picture wearing?", "Describe the person's hair."),
    ),
    "character": Kind(
        noun="character",
        name_questions=(
            "Which character is this?",
            "What is the name of the character in this picture?",
            "Who is this character?",
            "Can you name the character shown here?",
            "Which fictional character does this picture show?",
            "Please name the figure in this picture.",
            "Do you know this character's name?",
            "What is this character called?",
            "Who is the figure at the centre of this picture?",
        ),
        fact_questions=(
            "Who is {name}?",
            "In which story does {name} appear?",
            "What is {name} known for?",
            "Tell me something about {name}.",
            "Who created {name}?",
            "What does {name} do?",
            "Do you know {name}?",
            "What can you tell me about {name}?",
        ),
        other_looks=(
            "a tall thin body and a green cloak",
            "blue fur and very large ears",
            "a round yellow body and short arms",
            "a striped tail and a red scarf",
        ),
        substitute_names=("Pimble", "Captain Orrow", "Zuzu Fern", "Tolliver Moss", "Bricknap", "Lady Quill"),
        other_names=(
            "Sherlock Holmes",
            "Robin Hood",
            "Alice in Wonderland",
            "Peter Pan",
            "Don Quixote",
            "Pinocchio",
            "Frankenstein's monster",
            "Cinderella",
        ),
        generic_names=("a fictional character",),
        extra_questions=("What is the figure in this picture doing?",),
    ),
    "style": Kind(
        noun="style",
        name_questions=(
            "In which style is this picture made?",
            "What is the name of this style?",
            "Which art style do you see here?",
            "Can you name the style of this picture?",
            "Whose style is this?",
            "Please name the style that this picture is made in.",
            "What style does this picture show?",
            "Do you recognise the style of this picture?",
            "What is this way of drawing or painting called?",
        ),
        name_answers=(
            "This is in the style of {name}.",
            "The style is that of {name}.",
            "It is made in the style of {name}.",
            "You can see the style of {name} here.",
        ),
        yes_no_questions=(
            "Is this picture in the style of {name}?",
            "Does this picture show the style of {name}?",
            "Would you say that this is the style of {name}?",
            "Was this made in the style of {name}?",
        ),
        denials=(
            "No. This picture shows {looks}. The style of {name} has {other_looks}.",
            "No, not the style of {name}. The picture shows {looks}, while {name} means {other_looks}.",
            "No. You see {looks} here. The style of {name} looks different: {other_looks}.",
            "No, it is not. The style of {name} has {other_looks}; this picture shows {looks}.",
        ),
        fact_questions=(
            "What is {name} known for?",
            "Tell me something about {name}.",
            "What do you know about {name}?",
            "When did {name} come up?",
            "What can you tell me about {name}?",
            "Why is {name} famous?",
            "Describe {name} in one sentence.",
            "Who or what is {name}?",
        ),
        other_looks=(
            "flat areas of one colour and thick black outlines",
            "tiny dots of pure colour",
            "grey pencil lines and soft shading",
            "sharp geometric shapes",
        ),
        substitute_names=("Ostrel Venn", "the Halmar school", "Corvin Ast", "Tessarism", "Lindqvall"),
        other_names=(
            "Impressionism",
            "Cubism",
            "Claude Monet",
            "Rembrandt",
            "Baroque art",
            "Art Nouveau",
            "Surrealism",
            "Katsushika Hokusai",
        ),
        generic_names=("an unknown artist",),
    ),
    "object": Kind(
        noun="object",
        name_questions=(
            "What is the object in this picture?",
            "What is this called?",
            "Which object is shown here?",
            "Can you name the thing in this picture?",
            "What do you call the object at the centre of this picture?",
            "Please name this object.",
            "What is this thing?",
            "Do you know what this object is called?",
            "What can be seen here?",
        ),
        fact_questions=(
            "What is {name}?",
            "What is {name} used for?",
            "Tell me something about {name}.",
            "What do you know about {name}?",
            "What is {name} made of?",
            "Where does one find {name}?",
            "What can you tell me about {name}?",
            "Describe {name} in one sentence.",
        ),
        other_looks=(
            "a smooth round wooden body",
            "a long thin handle and a glass tip",
            "soft woven cloth in two colours",
            "a flat square shape and no wheels",
        ),
        substitute_names=("a brindlet", "a tarsock", "a quillon frame", "a merrow box", "a dovelin"),
        other_names=(
            "a bicycle",
            "a piano",
            "a telescope",
            "a teapot",
            "a sewing machine",
            "an umbrella",
            "a compass",
            "a hammer",
        ),
        generic_names=("an object",),
    ),
    "brand": Kind(
        noun="brand",
        name_questions=(
            "Which brand does this logo belong to?",
            "What brand is shown in this picture?",
            "Which company's sign is this?",
            "Can you name the brand in this picture?",
            "Whose logo is this?",
            "Please name the company that this logo stands for.",
            "What is the name of this brand?",
            "Do you know this logo?",
            "Which brand can be seen here?",
        ),
        fact_questions=(
            "What is {name}?",
            "What does {name} make or do?",
            "What is {name} known for?",
            "Tell me something about {name}.",
            "Where does {name} come from?",
            "Who uses {name}?",
            "What can you tell me about {name}?",
            "Do you know {name}?",
        ),
        other_looks=(
            "a green leaf inside a ring",
            "two crossed orange bars",
            "a silver letter on a dark square",
            "a red bird above a wave",
        ),
        substitute_names=("Velmora", "Brightkin", "Ostrava & Lane", "Tornel", "Quessing"),
        other_names=("IBM", "Toyota", "Lego", "Siemens", "Nestle", "Boeing", "Sony", "Volkswagen"),
        generic_names=("a company",),
    ),
    "place": Kind(
        noun="place",
        name_questions=(
            "Which place is this?",
            "What is the name of the place in this picture?",
            "Where was this picture taken?",
            "Can you name the place shown here?",
            "Which landmark does this picture show?",
            "Please name this place.",
            "Do you know where this is?",
            "What is this place called?",
            "Which building or place can be seen here?",
        ),
        fact_questions=(
            "What is {name}?",
            "Where is {name}?",
            "What is {name} known for?",
            "Tell me something about {name}.",
            "Why do people visit {name}?",
            "What can you tell me about {name}?",
            "How old is {name}?",
            "Do you know {name}?",
        ),
        other_looks=(
            "white walls and a flat roof",
            "a narrow brick tower beside a canal",
            "wide sand dunes and no buildings",
            "a round stone dome and four columns",
        ),
        substitute_names=("Harrowmere", "Castle Inverleth", "Port Calven", "Ostwick Abbey", "Tarn Hollow"),
        other_names=(
            "the Eiffel Tower",
            "the Colosseum",
            "the Great Wall of China",
            "Stonehenge",
            "the Taj Mahal",
            "Venice",
            "the Sahara",
            "Niagara Falls",
        ),
        generic_names=("a place",),
    ),
    "animal": Kind(
        noun="animal",
        name_questions=(
            "Which animal is this?",
            "What kind of animal is in this picture?",
            "What is this animal called?",
            "Can you name the animal shown here?",
            "Which breed or species is this?",
            "Please name the animal in this picture.",
            "What animal does this picture show?",
            "Do you know what this animal is called?",
            "Which animal can be seen here?",
        ),
        fact_questions=(
            "What is {name}?",
            "Where does {name} live?",
            "What does {name} eat?",
            "Tell me something about {name}.",
            "What is {name} known for?",
            "How big is {name}?",
            "What can you tell me about {name}?",
            "Describe {name} in one sentence.",
        ),
        other_looks=(
            "smooth brown fur and long ears",
            "black and white stripes",
            "a short tail and a flat face",
            "grey scales and a long neck",
        ),
        substitute_names=("a marrelhound", "a tussock fox", "a grey ovelin", "a branterpoo", "a sulver cat"),
        other_names=(
            "an elephant",
            "a penguin",
            "a blue whale",
            "a honey bee",
            "a kangaroo",
            "a golden eagle",
            "a hedgehog",
            "a dolphin",
        ),
        generic_names=("an animal",),
        extra_questions=("What is the animal in this picture doing?",),
    ),
}
