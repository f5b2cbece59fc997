/** All texts of the console, in both languages. zh-CN is the default. */
import type { Freshness } from '../../api/devices.ts';
import type { BilingualText, Flag, Level, Quality } from '../../api/fields.ts';
import type { WarningState } from '../../api/warnings.ts';
import type { CameraFilter } from '../data/cameras.ts';

export type Lang = 'zh-CN' | 'en';

const ZH = {
  product: '城市体征',
  skip: '跳到正文',
  language: '语言',
  exercise: '演练',
  exerciseWhy: '演练模式：一切照常运行并带标记，不会通知真实人员',
  /** In parts, so that the counts can carry their tone: start, fresh, between, lost, end. */
  sentence: (town: string, total: number, fresh: number, lost: number, unobserved: number): [string, string, string, string, string] => [`${town}：${total} 台设备，`, `${fresh} 台数据及时`, '，', `${lost} 台离线`, unobserved > 0 ? `，${unobserved} 台状态未知，` : '，'],
  evaluated: (time: string) => `规则已计算至 ${time}`,
  notEvaluated: '规则尚未开始计算',
  joining: '正在连接网关……',
  live: '实时',
  away: '已中断',
  gone: '与网关的连接已中断',
  goneFor: (age: string) => `已 ${age}`,
  lastSeen: (time: string) => `以下为 ${time} 的最后数据`,
  retryIn: (seconds: number) => (seconds > 0 ? `${seconds} 秒后重连` : '正在重连……'),
  retryNow: '立即重连',
  signIn: '登录', signInWhy: '本页面需要令牌才能查看。请输入网关配置 http.readers 或 operators 中的令牌；此浏览器只需输入一次。', signInToken: '令牌', signInWrong: '令牌不正确', signedOut: '未登录', signOut: '退出登录', signedInAs: (name: string) => `已登录：${name}`,
  warnings: '风险提示',
  noWarnings: '当前没有未解除的风险提示',
  recentlyCleared: '近期已解除',
  moreWarnings: (count: number) => `另有 ${count} 条未解除`,
  since: (time: string, age: string) => `自 ${time} 起，已持续 ${age}`,
  cleared: (time: string, age: string) => `${time} 解除，持续 ${age}`,
  place: '地点', why: '依据', suggestion: '处置建议', incomplete: '尚缺', late: '补报', lateWhy: '断网期间发生，恢复后补报',
  partNames: { subject: '对象', place: '地点', evidence: '证据', unit: '责任单位', contact: '责任联系人', responsible: '责任单位', level: '级别', rule: '规则', onset: '起始时间', plan: '预案', suggestion: '处置建议', deadline: '时限' } as Record<string, string>,
  seeValue: '查看该数值',
  snapshotAlt: (device: string) => `${device} 的事件画面`, snapshotComing: '画面随后到达……', snapshotMain: (time: string) => `主码流的清晰画面，${time}`, snapshotShown: (blurred: boolean): string => (blurred ? '触发时的画面，人脸已抹去；点击查看原图' : '触发时的画面；点击查看原图'),
  clipAlt: (device: string) => `${device} 的事件短视频`, clipComing: '短视频随后到达……', clipShown: (seconds: number) => `事件前后 ${seconds} 秒，人脸已抹去`,
  clipKept: (seconds: number, name: string) => `事件前后 ${seconds} 秒的短视频保存在边缘节点：${name}`,
  level: '水位与阈值',
  chartOf: (name: string) => `${name}与阈值`,
  chartWaiting: '等待首个数值……',
  limit: (word: string, value: string) => `${word}阈值 ${value}`,
  lastMinutes: '最近 2 分钟',
  now: '当前',
  withinLimits: '在阈值以内',
  beyond: (word: string) => `已超过${word}阈值`,
  camera: '摄像机', cameraWaiting: '暂无画面。摄像机就绪后会自动出现。', noCamera: '没有摄像机。', nothingSeen: '未检出目标', liveWatch: '实时观看', liveStop: '结束观看', liveWaiting: '正在取流……', liveBroken: '实时画面已中断', liveAgain: '稍后自动重试', liveToken: '操作员令牌', liveAlt: (device: string) => `${device} 实时画面`, frame: (time: string) => `画面时刻 ${time}`,
  cameras: '摄像机', allCameras: (count: number) => `全部 ${count} 台摄像机`, cameraPick: '选择摄像机', cameraSearch: '按名称、边缘节点或中心查找', cameraNone: '没有符合条件的摄像机。', cameraUnknown: (id: string) => `没有名为 ${id} 的摄像机`,
  sifts: { all: '全部', well: '正常', faulty: '异常' } satisfies Record<CameraFilter, string>,
  viewsOpen: (open: number, limit: number) => `已打开 ${open} 个画面，最多同时 ${limit} 个`, viewsFull: '如需打开其他摄像机，请先关闭一个。', viewsWhy: '每个边缘节点同时可实时观看的路数由其配置决定，超出时在画面下方说明。', viewOpen: '打开画面', viewClose: '关闭画面',
  liveHere: '可实时观看', liveNotHere: '仅图片刷新', liveElsewhere: '此处不可实时观看（不在网关本机，或未开放）：显示每秒最新画面，可抓拍。',
  groupOf: (edge: string, centre: string) => `边缘节点 ${edge} · 中心 ${centre}`, groupCount: (count: number, faulty: number) => `${count} 台${faulty > 0 ? `，${faulty} 台异常` : ''}`,
  snapshotTake: '抓拍', snapshotBack: '回到最新画面', snapshotTaking: '正在抓拍……', snapshotReason: '控制台抓拍', snapshotOf: (time: string) => `抓拍于 ${time}`,
  findings: { good: '正常', ended: '已播完', stalled: '无画面', black: '黑屏', 'under-exposed': '过暗', 'over-exposed': '过亮', noisy: '雪花噪声', 'colour-cast': '偏色', blurred: '模糊', occluded: '视频遮挡', frozen: '画面冻结', shaking: '抖动', 'wrong-scene': '场景变更' } as Record<string, string>,
  happened: '最近发生', devices: '设备', allDevices: (count: number) => `显示全部 ${count} 台设备`, noDevices: '还没有设备上报。', pictureAlt: (device: string, what: string) => `${device} 最新画面，${what}`,
  unknownDevices: '未知设备', unknownHow: '发来数据但未配置。将下列内容粘贴到该边缘节点配置的 devices 之下即可接入。', unknownSilent: '未发送任何内容', unknownTimes: (count: number) => `${count} 次`,
  ago: (age: string) => `${age}前`,
  impaired: '异常', starting: '正在启动', edgeAway: (edge: string) => `边缘节点 ${edge} 离线`,
  path: '数据通路',
  pathNodes: { device: '设备', edge: '边缘缓存', gateway: '网关', store: '存储', warning: '预警' },
  pathFacts: {
    fresh: (fresh: number, total: number) => `${fresh} / ${total} 及时`, depth: '积压', accepted: '已接收', stored: '已存储', open: '未解除',
    edgesAway: (count: number) => `${count} 个边缘节点离线`, lag: (count: string) => `积压 ${count}`, upToDate: '已追平', twice: '去重', refused: '拒收',
  },
  sinks: '数据转发', sinkFacts: { written: '已写入', setAside: '目标拒收', missed: '未写入即舍弃' },
  demo: '演示', demoCut: '断网 20 秒', demoKill: '终止边缘进程', demoCutting: '网络已断开', demoDown: '边缘进程已终止',
  demoFailed: '操作未成功',
  reconciled: (witnessed: string) => `已对账 ${witnessed} 条`, missing: '缺失', heldBack: '积压待补传', twice: '重复', reconciling: '首次对账进行中', checkedAt: (time: string) => `对账时刻 ${time}`,
  back: '返回总览', seriesAt: (time: string) => `${time} 前后`, seriesNone: '这段时间没有数据。', seriesFailed: '无法读取序列', atThatTime: '当时数值', time: '时间', value: '数值', quality: '质量', flags: '标记', loading: '正在读取……',
  colours: { 1: '红色', 2: '橙色', 3: '黄色', 4: '蓝色' } satisfies Record<Level, string>,
  severity: { 1: '特别严重', 2: '严重', 3: '较重', 4: '一般' } satisfies Record<Level, string>,
  freshness: { fresh: '及时', late: '延迟', lost: '离线', unobserved: '状态未知' } satisfies Record<Freshness, string>,
  states: { raised: '待签收', acknowledged: '已签收', dispatched: '已派单', handling: '处置中', handled: '已处置', verified: '已核查', closed: '已办结', reviewed: '已复盘', false_alarm: '误报', merged: '已合并', transferred: '已移交' } satisfies Record<WarningState, string>,
  qualities: { good: '良好', uncertain: '存疑', bad: '无效' } satisfies Record<Quality, string>,
  flagNames: {
    stale: '过期', clamped: '限幅', 'out-of-range': '超量程', spike: '突变', stuck: '恒值', skewed: '时钟偏差', 'fault-code': '故障码', 'rolled-over': '计数翻转', substituted: '替代值', initial: '初值', override: '人工置数',
    sensor: '传感器', comm: '通信', config: '配置', device: '设备', calibration: '标定', maintenance: '检修', unit: '单位', 'unknown-indicator': '未知指标', simulated: '模拟', other: '其他',
  } satisfies Record<Flag, string>,
  classes: { person: '人', car: '汽车', bus: '公交车', truck: '货车', motorcycle: '摩托车', bicycle: '自行车', dog: '狗', cat: '猫', bird: '鸟' } as Record<string, string>,
  measures: { persons: '人', vehicles: '车辆', density: '每平方米人数', crowd: '拥挤等级', dwell: '最长停留（秒）', loitering: '徘徊', intrusion: '入侵', queue: '排队', 'queue-length': '排队长度（米）', stopped: '停车', abandoned: '遗留物' } as Record<string, string>,
  wentIn: (count: number) => `进 ${count}`, wentOut: (count: number) => `出 ${count}`,
  notesShow: '显示区域和目标', notesOld: '已超过 2 秒没有新的检测结果', notesReplay: '这是视频文件：实时观看从头播放，与检测所在的位置不同，因此不显示目标。',
  counted: (name: string, count: number | string) => `${name} ${count}`,
  on: '是', off: '否', noValue: '无值',
};

const EN: typeof ZH = {
  product: 'cityvitals',
  skip: 'Skip to content',
  language: 'Language',
  exercise: 'Exercise',
  exerciseWhy: 'Exercise mode: everything works and is marked, nobody real is notified',
  sentence: (town, total, fresh, lost, unobserved) => [`${town}: ${total} ${total === 1 ? 'device' : 'devices'}, `, `${fresh} fresh`, ', ', `${lost} lost`, unobserved > 0 ? `, ${unobserved} unobserved, ` : ', '],
  evaluated: (time) => `evaluated up to ${time}`,
  notEvaluated: 'not evaluated yet',
  joining: 'Connecting to the gateway…',
  live: 'Live',
  away: 'Disconnected',
  gone: 'Gateway connection lost',
  goneFor: (age) => `for ${age}`,
  lastSeen: (time) => `Last known data as of ${time}`,
  retryIn: (seconds) => (seconds > 0 ? `retrying in ${seconds} s` : 'reconnecting…'),
  retryNow: 'Retry now',
  signIn: 'Sign in', signInWhy: 'A token is required: from http.readers or operators in the gateway\'s configuration. Entered once per browser.', signInToken: 'Token', signInWrong: 'Invalid token', signedOut: 'Not signed in', signOut: 'Sign out', signedInAs: (name) => `signed in as ${name}`,
  warnings: 'Warnings',
  noWarnings: 'No open warnings',
  recentlyCleared: 'Recently cleared',
  moreWarnings: (count) => `${count} more open`,
  since: (time, age) => `since ${time}, for ${age}`,
  cleared: (time, age) => `cleared ${time}, lasted ${age}`,
  place: 'Place', why: 'Why', suggestion: 'Suggestion', incomplete: 'Missing', late: 'Late', lateWhy: 'occurred while offline, raised after backfill',
  partNames: { subject: 'subject', place: 'place', evidence: 'evidence', unit: 'responsible unit', contact: 'duty contact', responsible: 'responsible unit', level: 'level', rule: 'rule', onset: 'onset', plan: 'plan', suggestion: 'suggestion', deadline: 'deadline' },
  seeValue: 'see this value',
  snapshotAlt: (device) => `picture of the event at ${device}`, snapshotComing: 'picture pending …', snapshotMain: (time) => `main stream, ${time}`, snapshotShown: (blurred) => (blurred ? 'picture of the event, faces blurred; click to enlarge' : 'picture of the event; click to enlarge'),
  clipAlt: (device) => `clip of the event at ${device}`, clipComing: 'clip pending …', clipShown: (seconds) => `${seconds} s around the event, faces blurred`,
  clipKept: (seconds, name) => `clip of ${seconds} s kept on the edge: ${name}`,
  level: 'Water level and limits',
  chartOf: (name) => `${name.charAt(0).toUpperCase()}${name.slice(1)} and limits`,
  chartWaiting: 'Waiting for the first value…',
  limit: (word, value) => `${word} ${value}`,
  lastMinutes: 'last 2 minutes',
  now: 'now',
  withinLimits: 'within limits',
  beyond: (word) => `exceeds the ${word.toLowerCase()} limit`,
  camera: 'Camera', cameraWaiting: 'No picture yet. It appears when the camera is ready.', noCamera: 'No cameras.', nothingSeen: 'nothing detected', liveWatch: 'Watch live', liveStop: 'Stop watching', liveWaiting: 'Fetching the stream…', liveBroken: 'Live view interrupted', liveAgain: 'retrying soon', liveToken: 'Operator token', liveAlt: (device) => `${device}, live`, frame: (time) => `frame of ${time}`,
  cameras: 'Cameras', allCameras: (count) => `all ${count} cameras`, cameraPick: 'Choose a camera', cameraSearch: 'Search by name, edge or centre', cameraNone: 'No matching cameras.', cameraUnknown: (id) => `No camera ${id}`,
  sifts: { all: 'All', well: 'Healthy', faulty: 'Faulty' },
  viewsOpen: (open, limit) => `${open} of at most ${limit} views open`, viewsFull: 'Close one to open another.', viewsWhy: 'The number of live views per edge is limited by its configuration; the view says when the limit is reached.', viewOpen: 'Open the view', viewClose: 'Close the view',
  liveHere: 'live view', liveNotHere: 'picture refresh only', liveElsewhere: 'No live view here (edge on another machine, or not allowed): newest picture each second, and snapshots.',
  groupOf: (edge, centre) => `edge ${edge} · centre ${centre}`, groupCount: (count, faulty) => `${count} ${count === 1 ? 'camera' : 'cameras'}${faulty > 0 ? `, ${faulty} faulty` : ''}`,
  snapshotTake: 'Take a snapshot', snapshotBack: 'Back to the newest', snapshotTaking: 'taking snapshot…', snapshotReason: 'from the console', snapshotOf: (time) => `snapshot of ${time}`,
  findings: { good: 'good', ended: 'ended', stalled: 'no pictures', black: 'black', 'under-exposed': 'too dark', 'over-exposed': 'too bright', noisy: 'noise', 'colour-cast': 'colour cast', blurred: 'blurred', occluded: 'occluded', frozen: 'frozen', shaking: 'shaking', 'wrong-scene': 'scene changed' },
  happened: 'Recent occurrences', devices: 'Devices', allDevices: (count) => `show all ${count} devices`, noDevices: 'No device has reported yet.', pictureAlt: (device, what) => `Newest frame of ${device}: ${what}`,
  unknownDevices: 'Unknown devices', unknownHow: 'They send data but are not configured. Paste these lines under devices in that edge\'s configuration.', unknownSilent: 'sent nothing', unknownTimes: (count) => `${count} ${count === 1 ? 'time' : 'times'}`,
  ago: (age) => `${age} ago`,
  impaired: 'Faulty', starting: 'starting', edgeAway: (edge) => `edge ${edge} offline`,
  path: 'Data path',
  pathNodes: { device: 'Device', edge: 'Edge log', gateway: 'Gateway', store: 'Store', warning: 'Warning' },
  pathFacts: {
    fresh: (fresh, total) => `${fresh} of ${total} fresh`, depth: 'backlog', accepted: 'accepted', stored: 'stored', open: 'open',
    edgesAway: (count) => `${count} ${count === 1 ? 'edge' : 'edges'} offline`, lag: (count) => `lag ${count}`, upToDate: 'caught up', twice: 'deduplicated', refused: 'refused',
  },
  sinks: 'Sinks', sinkFacts: { written: 'written', setAside: 'rejected by target', missed: 'dropped before written' },
  demo: 'Demo', demoCut: 'Cut network 20 s', demoKill: 'Kill the edge', demoCutting: 'network cut', demoDown: 'edge down',
  demoFailed: 'Action failed',
  reconciled: (witnessed) => `${witnessed} reconciled`, missing: 'missing', heldBack: 'edge backlog', twice: 'duplicates', reconciling: 'first reconciliation running', checkedAt: (time) => `checked ${time}`,
  back: 'Back to overview', seriesAt: (time) => `around ${time}`, seriesNone: 'No data in this range.', seriesFailed: 'Cannot read the series', atThatTime: 'Value at that time', time: 'Time', value: 'Value', quality: 'Quality', flags: 'Flags', loading: 'Reading…',
  colours: { 1: 'Red', 2: 'Orange', 3: 'Yellow', 4: 'Blue' },
  severity: { 1: 'extreme', 2: 'severe', 3: 'moderate', 4: 'minor' },
  freshness: { fresh: 'Fresh', late: 'Late', lost: 'Lost', unobserved: 'Unobserved' },
  states: { raised: 'to be acknowledged', acknowledged: 'acknowledged', dispatched: 'dispatched', handling: 'being handled', handled: 'handled', verified: 'verified', closed: 'closed', reviewed: 'reviewed', false_alarm: 'false alarm', merged: 'merged', transferred: 'transferred' },
  qualities: { good: 'good', uncertain: 'uncertain', bad: 'bad' },
  flagNames: {
    stale: 'stale', clamped: 'clamped', 'out-of-range': 'out of range', spike: 'spike', stuck: 'stuck', skewed: 'clock skewed', 'fault-code': 'fault code', 'rolled-over': 'rolled over', substituted: 'substituted', initial: 'initial', override: 'override',
    sensor: 'sensor', comm: 'communication', config: 'configuration', device: 'device', calibration: 'calibration', maintenance: 'maintenance', unit: 'unit', 'unknown-indicator': 'unknown indicator', simulated: 'simulated', other: 'other',
  },
  classes: {},
  measures: { persons: 'people', vehicles: 'vehicles', density: 'people/m²', crowd: 'crowd grade', dwell: 'longest stay, s', loitering: 'loitering', intrusion: 'intrusion', queue: 'queue', 'queue-length': 'queue, m', stopped: 'stopped', abandoned: 'abandoned object' },
  wentIn: (count) => `in ${count}`, wentOut: (count) => `out ${count}`,
  notesShow: 'zones and detections', notesOld: 'no new detections for more than 2 s', notesReplay: 'A video file: live view plays it from the start, not from the position of detection, so detections are not shown.',
  counted: (name, count) => `${name} ${count}`,
  on: 'yes', off: 'no', noValue: 'no value',
};

export type Dictionary = typeof ZH;
export const DICTIONARIES: Record<Lang, Dictionary> = { 'zh-CN': ZH, en: EN };

const REMEMBERED = 'cityvitals.lang';

/** The chosen language, else the browser's first supported one, else zh-CN. */
export function firstLanguage(): Lang {
  for (const tag of [localStorage.getItem(REMEMBERED) ?? '', ...navigator.languages]) {
    if (/^zh\b/i.test(tag)) return 'zh-CN';
    if (/^en\b/i.test(tag)) return 'en';
  }
  return 'zh-CN';
}

export function rememberLanguage(lang: Lang): void {
  localStorage.setItem(REMEMBERED, lang);
}

export const pickText = (words: BilingualText, lang: Lang): string => (lang === 'en' ? words.en : words.zh);
