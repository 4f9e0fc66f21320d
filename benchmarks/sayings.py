"""Keeps made-up appeals: places and troubles of no real county, said by different people in different words, always the same."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

FIRST = (
    "云溪柳石桥翠东西南北春晖望江竹松梅兰桂荷枫榆银金玉青白紫丹凤麒鹤鹿泉湖河岭坡"
    "湾岗浦洲塘沙田谷川峰霞虹星月晨曦锦绣瑞祥福康宁安和泰顺盛昌隆"
)
LAST = ("花园", "家园", "新村", "公寓", "雅苑", "华庭", "名都", "小区", "广场", "佳园", "里", "苑")
ROADS = ("路", "街", "大道", "巷")

_TROUBLES = """
路灯不亮 路灯坏了 几盏灯都是黑的
晚上走路看不见 老人夜里出门摔过跤 孩子放学回家很害怕
请尽快修好 希望派人来换灯泡

停水 自来水没有水 水压太小上不去楼
做饭洗澡都成问题 只能去邻居家提水 一到傍晚就没水
请供水公司查一查 请恢复供水

垃圾堆成山 垃圾没人清运 垃圾桶满出来
夏天臭味很大 招来许多苍蝇 楼道口都下不去脚
请环卫来清理 请增加清运次数

油烟直排 楼下饭馆排油烟 餐饮店没有烟道
一开窗全是油烟味 衣服晾出去都是味道 老人天天咳嗽
请查处这家店 请责令安装净化器

夜里施工 工地通宵打桩 半夜还有挖机作业
吵得全家睡不着 孩子第二天要考试 玻璃都在震
请制止夜间施工 请规定施工时间

电梯老坏 电梯困人 电梯停用一个月
高层老人下不了楼 昨天又关了人 买菜都要爬楼
请督促物业维修 请质监部门检查

物业乱收费 物业涨价不公示 停车费收两遍
业主都不知情 问了也不给说法 不交就锁车
请核查收费依据 请退还多收的钱

道路坑洼 路面塌了一块 路上全是坑
下雨积水看不见坑 电动车摔了好几个人 汽车底盘都刮坏
请修补路面 请先围挡起来

井盖丢失 井盖翘起来 下水井没有盖
车一压就响 差点掉进去小孩 晚上根本看不见
请补上井盖 请马上处理

占道经营 摊贩占满人行道 夜市摆到马路上
行人只能走机动车道 上学时段堵得水泄不通 喇叭吵到半夜
请城管来管 请划定摆摊的地方

公交不来 班车改线不通知 公交等一个小时
老人看病要走很远 上班天天迟到 冬天站在路边等
请增加班次 请恢复原来的站点

违建加盖 楼顶搭房子 绿地被圈起来
挡住全楼的光 雨水漏到楼下 消防通道堵死了
请拆除违建 请规划部门认定

污水外溢 化粪池冒水 下水道堵了
臭水流到门口 一楼住户家里返水 蚊虫到处都是
请疏通管道 请派车抽污

暖气不热 供暖温度不够 暖气片是凉的
屋里只有十几度 老人穿棉袄睡觉 交了费没效果
请供热公司上门 请测温退费
"""
TROUBLES = [[line.split() for line in block.splitlines()] for block in _TROUBLES.strip().split("\n\n")]
"""What may be the trouble, each with some ways to say what it is, why it hurts, and what is wished for."""
OPENINGS = ("我们是这里的住户，", "您好，", "反映一个问题：", "领导好，", "我住在这附近，", "")
ASIDES = (
    "我母亲今年七十八岁，腿脚不好，平时由我照看", "去年冬天也出过同样的情况，后来自己好了", "我拍了照片，需要的话可以发过去",
    "问过隔壁几户人家，都说是这样", "居委会的同志来看过一次，让我们再等等", "我在外地打工，是家里人打电话说的",
    "电话打了三遍，前台每次都说已经登记", "这边住的多半是退休职工和带孩子的老人", "不知道该找哪个单位，只好写到这里",
    "前两年创建文明城市的时候还好好的", "年底就要搬进来的亲戚也很担心", "物业贴了张通知就没有下文", "下个月孩子中考，实在耽误不起",
    "邻居为这件事差点吵起来", "附近学校的家长群里天天在说", "我们理解工作有难处，但总要有个期限", "上回有位师傅来过，说要等配件",
    "周末人多的时候特别明显", "听说别的地方早就解决了", "如果需要配合，我们随时可以到现场", "这条意见我也在热线里说过",
    "希望能给我们一个准确的答复", "麻烦相关部门的同志跑一趟", "刚搬来不到一年就碰上这种事",
)  # fmt: skip
"""What people add that has nothing to do with it."""
TIMES = ("已经半个月了", "从上周开始", "好几天了", "前后三个月", "昨天又这样", "一直没人管")


@dataclass(frozen=True)
class Saying:
    """One appeal: title, text, and what it is about (the same for all who speak of the same thing)."""

    title: str
    body: str
    about: tuple[int, int]


def place_name(number: int) -> str:
    """Give the name of a place by its number: a compound at a road."""
    chance = Random(number)
    compound = "".join(chance.choices(FIRST, k=2)) + chance.choice(LAST)
    return f"{''.join(chance.choices(FIRST, k=2))}{chance.choice(ROADS)}{compound}"


def say(place: int, trouble: int, chance: Random) -> Saying:
    """Say that a place has a trouble, in words by chance."""
    what, why, wish = TROUBLES[trouble]
    name, word = place_name(place), chance.choice(what)
    building = f"{chance.randint(1, 40)}栋" if chance.random() < 0.4 else ""
    reasons, asides = "，".join(chance.sample(why, k=2)), "。".join(chance.sample(ASIDES, k=2))
    opening, since = chance.choice(OPENINGS), chance.choice(TIMES)
    body = f"{opening}{name}{building}{chance.choice(what)}，{since}，{reasons}。{asides}。{chance.choice(wish)}。"
    return Saying(f"{name}{word}", body, (place, trouble))


def about(title: str) -> tuple[str, int] | None:
    """Give what a made-up title is about: the place's name and the trouble; None for another title."""
    words = [(word, trouble) for trouble, (what, *_) in enumerate(TROUBLES) for word in what]
    return next(((title.removesuffix(word), trouble) for word, trouble in words if title.endswith(word)), None)


def sayings(count: int, *, places: int, seed: int = 1) -> Iterator[Saying]:
    """Give so many appeals about so many places."""
    chance = Random(seed)
    for _ in range(count):
        yield say(chance.randrange(places), chance.randrange(len(TROUBLES)), chance)
