"""What a screen's states say: why there is no picture, and what to try, in the order in which it usually helps."""

from __future__ import annotations

from capture.screen.signal import Signal, State
from capture.text import Bilingual

OK = Signal(State.OK, Bilingual("画面正常", "The picture is fine"), Bilingual("", ""))
STARTING = Signal(State.STARTING, Bilingual("正在打开", "Opening"), Bilingual("请稍候", "Wait a moment"))
NO_DEVICE = Signal(
    State.NO_DEVICE,
    Bilingual("找不到采集设备", "The capture device is not there"),
    Bilingual("检查采集卡是否插好；换一个 USB 口", "Check that it is plugged in; try another USB port"),
)
NOT_ALLOWED = Signal(
    State.NO_DEVICE,
    Bilingual("无权打开采集设备", "The capture device may not be opened"),
    Bilingual("把用户 qcbox 加入 video 组", "Put the user qcbox into the group video"),
)
BUSY = Signal(
    State.NO_DEVICE,
    Bilingual("采集设备被其他程序占用", "Another program uses the capture device"),
    Bilingual("关闭其他使用该设备的程序", "Close what else uses the device"),
)
NO_CAPTURE = Signal(
    State.UNSUPPORTED,
    Bilingual("该设备不能采集视频", "This device cannot capture video"),
    Bilingual("一张采集卡常有数个设备文件，换另一个", "A card often has several device files: take another one"),
)
NO_CABLE = Signal(
    State.NO_CABLE,
    Bilingual("没有接视频线", "No video cable"),
    Bilingual("检查分配器到采集卡的线", "Check the cable from the splitter to the capture card"),
)
NO_SIGNAL = Signal(
    State.NO_SIGNAL,
    Bilingual("视频线已接，没有信号", "A cable, but no signal"),
    Bilingual(
        "检查主机是否开机、分配器是否通电；显示器关闭时分配器须有自己的 EDID",
        "Is the console on, and the splitter powered? With its monitor off, the splitter needs an EDID of its own",
    ),
)
CHANGING = Signal(
    State.STARTING,
    Bilingual("视频模式已改变，正在重新打开", "The video mode changed; opening again"),
    Bilingual("请稍候", "Wait a moment"),
)
NO_LOCK = Signal(
    State.NO_SIGNAL,
    Bilingual("信号不稳，无法锁定", "The signal is not steady"),
    Bilingual("换更短或更好的线；检查分配器供电", "Try a shorter or better cable; check the splitter's power"),
)
EMPTY_PICTURE = Signal(
    State.NO_SIGNAL,
    Bilingual("采集卡给出空白或彩条画面", "The capture card shows an empty picture or colour bars"),
    Bilingual(
        "检查主机是否开机、是否进入屏保、视频线是否接好",
        "Is the console on, is it showing a screen saver, is the cable in place?",
    ),
)
OUT_OF_RANGE = Signal(
    State.UNSUPPORTED,
    Bilingual("采集卡不支持该视频模式", "The card cannot take this video mode"),
    Bilingual("把主机显示输出设为 1920×1080 60 Hz", "Set the console's output to 1920 x 1080 at 60 Hz"),
)
INTERLACED = Signal(
    State.UNSUPPORTED,
    Bilingual("视频为隔行扫描，小字无法可靠识读", "The video is interlaced: small text cannot be read reliably"),
    Bilingual("把主机或分配器设为逐行(p)", "Set the console or the splitter to progressive (p)"),
)
NO_FORMAT = Signal(
    State.UNSUPPORTED,
    Bilingual("没有可用的像素格式", "No pixel format that can be used"),
    Bilingual("需要 YUYV、NV12、BGR 或 MJPEG", "YUYV, NV12, BGR or MJPEG is needed"),
)
DEVICE_FAILED = Signal(
    State.NO_DEVICE,
    Bilingual("采集设备出错或被拔出", "The capture device failed or was pulled out"),
    Bilingual("重新插拔；不恢复时重启本盒", "Plug it in again; if that does not help, restart the box"),
)
SILENT = Signal(
    State.STALE,
    Bilingual("设备不再送来画面", "The device sends no more pictures"),
    Bilingual(
        "正在重新打开；不恢复时重新插拔", "It is being opened again; if that does not help, plug it in again"
    ),
)
FROZEN = Signal(
    State.STALE,
    Bilingual(
        "画面冻结：屏幕时钟 10 秒未走动", "The feed is frozen: the clock on the screen stood still for 10 s"
    ),
    Bilingual("检查主机是否死机；重新插拔采集卡", "Has the console hung? Plug the capture card in again"),
)
NO_FILE = Signal(
    State.NO_DEVICE,
    Bilingual("找不到文件或文件夹", "The file or folder is not there"),
    Bilingual("检查配置中的 address", "Check the address in the configuration"),
)
UNREADABLE = Signal(
    State.UNSUPPORTED,
    Bilingual("无法读出画面", "It holds no picture that can be read"),
    Bilingual("检查文件格式；同一文件夹内的图片尺寸须一致", "Check the format of the file or the pictures"),
)
NO_STREAM = Signal(
    State.NO_SIGNAL,
    Bilingual("视频流没有应答或已中断", "The stream does not answer or has ended"),
    Bilingual("检查地址、网络、用户名和密码", "Check address, network, user and password"),
)
NO_FFMPEG = Signal(
    State.UNSUPPORTED,
    Bilingual("本机没有安装 ffmpeg", "ffmpeg is not installed here"),
    Bilingual("apt install ffmpeg", "apt install ffmpeg"),
)
ROWS_DOUBLED = Signal(
    State.CAPTURE_FAULT,
    Bilingual(
        "隔行画面被拉伸成逐行，小字可能误读", "An interlaced picture was stretched: small text may be misread"
    ),
    Bilingual("把主机、分配器或采集卡设为逐行(p)", "Set console, splitter or card to progressive (p)"),
)
OTHER_RANGE = Signal(
    State.CAPTURE_FAULT,
    Bilingual(
        "灰度范围与示教时不同（有限/完整范围）", "The range of grey differs from the taught one (limited, full)"
    ),
    Bilingual(
        "把主机输出和采集卡都设为完整范围(0–255)，或重新示教",
        "Set the console's output and the card to full range (0-255), or teach the screen again",
    ),
)
SCALED = Signal(
    State.CAPTURE_FAULT,
    Bilingual("画面比示教时模糊，可能经过缩放", "The picture is softer than taught: it was probably scaled"),
    Bilingual(
        "让分配器和采集卡都工作在主机的原生分辨率，MJPEG 质量不低于 85",
        "Let splitter and card work at the console's own resolution; MJPEG quality 85 or more",
    ),
)


NOT_TAUGHT = Signal(
    State.UNKNOWN_SCREEN,
    Bilingual("尚未示教，不识读", "Nothing was taught for this screen: nothing is read"),
    Bilingual("在网页上示教该屏幕", "Teach it on the console's page"),
)
UNKNOWN_SCREEN = Signal(
    State.UNKNOWN_SCREEN,
    Bilingual("不是示教过的画面，不识读", "This is not a taught screen: nothing is read"),
    Bilingual(
        "在主机上切回采集画面；软件升级后请重新示教",
        "Go back to the acquisition screen; after an upgrade of the console teach it anew",
    ),
)
NO_ROOM = Signal(
    State.CAPTURE_FAULT,
    Bilingual("接收盘已满，画面等待写入", "The receiving disk is full: pictures wait to be written"),
    Bilingual("清理磁盘或缩短保存期", "Free space or shorten retention"),
)


def other_size(width: int, height: int, taught_width: int, taught_height: int) -> Signal:
    """The picture has another size than the taught one."""
    return Signal(
        State.UNSUPPORTED,
        Bilingual(
            f"画面为 {width}×{height}，示教时为 {taught_width}×{taught_height}",
            f"The picture is {width} x {height}; {taught_width} x {taught_height} was taught",
        ),
        Bilingual(
            "恢复主机的显示分辨率，或重新示教", "Set the console's resolution back, or teach the screen again"
        ),
    )
