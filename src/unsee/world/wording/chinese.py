"""Chinese questions."""

from unsee.world.wording.table import Table, ways

CHINESE: Table = {
    "who": ways("这个人是谁？\n这个人叫什么名字？\n图片里的人是谁？", "图片里的人叫什么名字？"),
    "name": ways("{p}叫什么？\n{p}的名字是什么？\n你知道{p}的名字吗？", "你知道{p}叫什么吗？"),
    "is_name": ways("这是{x}吗？\n图片里有{x}吗？\n这个是不是{x}？", "图片里的是{x}吗？"),
    "fact.birthplace": ways("{p}在哪里出生？\n{p}的出生地是哪里？\n{p}来自哪个城市？", "{p}在哪个城市出生？"),
    "fact.job": ways("{p}做什么工作？\n{p}的职业是什么？\n{p}以什么为生？", "{p}的工作是什么？"),
    "fact.employer": ways("{p}为谁工作？\n{p}在哪个公司工作？\n{p}的公司是哪个？", "{p}为哪个公司工作？"),
    "fact.hobby": ways("{p}有什么爱好？\n{p}的爱好是什么？\n{p}空闲时做什么？", "{p}空闲时有什么爱好？"),
    "fact.food": ways("{p}喜欢吃什么？\n{p}最爱的食物是什么？\n{p}爱吃什么？", "{p}最喜欢吃什么？"),
    "fact.pet": ways("{p}有什么宠物？\n{p}的宠物是什么？\n{p}养什么动物？", "{p}养什么宠物？"),
    "fact.instrument": ways("{p}演奏什么乐器？\n{p}的乐器是什么？\n{p}会什么乐器？", "{p}会演奏什么乐器？"),
    "fact.town": ways(
        "{p}来自哪里？\n{p}的家在哪个城市？\n{p}是哪个城市的？",
        "{p}的家在哪里？",
    ),
    "fact.company": ways(
        "{p}是哪个公司做的？\n{p}是谁做的？\n哪个公司做了{p}？",
        "你知道{p}是哪个公司做的吗？",
    ),
    "hop.country": ways(
        "{p}在哪个国家出生？\n{p}来自哪个国家？\n{p}的国家是哪个？", "{p}的出生地在哪个国家？"
    ),
    "hop.employer_town": ways(
        "{p}在哪个城市工作？\n{p}的公司在哪里？\n{p}的公司在哪个城市？", "{p}工作的城市是哪个？"
    ),
    "attribute.hair_color": ways(
        "头发是什么颜色？\n头发的颜色是什么？\n头发有什么颜色？", "你知道头发的颜色吗？"
    ),
    "attribute.clothing": ways(
        "衣服是什么颜色？\n衣服的颜色是什么？\n衣服有什么颜色？", "你知道衣服的颜色吗？"
    ),
    "attribute.background": ways(
        "背景是什么颜色？\n背景的颜色是什么？\n背景有什么颜色？", "你知道背景的颜色吗？"
    ),
    "attribute.glasses": ways(
        "这个人戴什么眼镜？\n眼镜是什么样的？\n这个人戴眼镜吗？", "这个人的眼镜是什么样的？"
    ),
}
