import type { FaultRow } from './row.ts';

/** What the gateway's HTTP API answers with, as problem+json. */
export const API_FAULTS = {
  CV_API_QUERY_INVALID: {
    stage: 'api', retry: 'never', actor: 'developer', status: 400,
    en: ['parameter {parameter}: {detail}', 'correct it; what {path} takes stands in /api/v1/openapi.json'],
    zh: ['参数 {parameter}：{detail}', '请改正；{path} 接受的参数见 /api/v1/openapi.json'],
  },
  CV_API_RANGE_INVALID: {
    stage: 'api', retry: 'never', actor: 'developer', status: 400,
    en: ['from {from} is not before to {to}', 'both are ms UTC; from is part of the range, to is not'],
    zh: ['起点 {from} 不早于终点 {to}', '两者均为 UTC 毫秒；含起点，不含终点'],
  },
  CV_API_CURSOR_INVALID: {
    stage: 'api', retry: 'never', actor: 'developer', status: 400,
    en: ['"{after}" is no cursor of {path}', 'give the `next` of an earlier answer unchanged, or leave `after` out to begin at the start'],
    zh: ['“{after}”不是 {path} 的游标', '请原样使用先前应答中的 `next`，或省略 `after` 从头开始'],
  },
  CV_API_CURSOR_GONE: {
    stage: 'api', retry: 'never', actor: 'operator', status: 410,
    en: ['what follows cursor {after} is no longer kept; the oldest is {oldest}', 'go on from {oldest} and take what lies between as missed; raise log.keep if followers stay away longer'],
    zh: ['游标 {after} 之后的数据已不再保留；最早为 {oldest}', '从 {oldest} 继续，其间的数据视为错过；若订阅方离开更久，请调大 log.keep'],
  },
  CV_API_CURSOR_FOREIGN: {
    stage: 'api', retry: 'never', actor: 'operator', status: 410,
    en: ['cursor {after} is not of this gateway: its log has no such epoch', 'go on from {oldest} and drop what you already have by edge, stream, epoch and seq; keep a cursor for each gateway'],
    zh: ['游标 {after} 不属于本网关：其事件日志中没有该 epoch', '从 {oldest} 继续，并按 edge、stream、epoch、seq 去除已有事件；每个网关应分别保存游标'],
  },
  CV_API_CURSOR_AHEAD: {
    stage: 'api', retry: 'never', actor: 'operator', status: 410,
    en: ['cursor {after} lies beyond the newest event {head}: the log was set back, or the cursor is of another gateway', 'go on from {oldest} and drop what you already have by edge, stream, epoch and seq'],
    zh: ['游标 {after} 超出最新事件 {head}：事件日志曾被回退，或该游标属于其他网关', '从 {oldest} 继续，并按 edge、stream、epoch、seq 去除已有事件'],
  },
  CV_API_SERIES_AMBIGUOUS: {
    stage: 'api', retry: 'never', actor: 'developer', status: 409,
    en: ['{count} series fit; values are given of one', 'add indicator, device or point; `items` lists the candidates'],
    zh: ['有 {count} 个序列符合；一次只能取一个序列的数值', '请补充 indicator、device 或 point；候选见 `items`'],
  },
  CV_API_UNKNOWN_ID: {
    stage: 'api', retry: 'never', actor: 'developer', status: 404,
    en: ['there is no {what} "{id}"', 'see {list}'],
    zh: ['没有{what}“{id}”', '见 {list}'],
  },
  CV_API_NO_PICTURE: {
    stage: 'api', retry: 'backoff', actor: 'operator', status: 404,
    en: ['there is no picture of {device} at present', 'it must be a camera, its edge must be online and its http reachable from this gateway'],
    zh: ['目前没有 {device} 的画面', '设备须为摄像机，其边缘节点须在线，且网关能访问其 http 端口'],
  },
  CV_API_UNKNOWN_ROUTE: {
    stage: 'api', retry: 'never', actor: 'developer', status: 404,
    en: ['nothing is at {path}', 'the routes stand in /api/v1/openapi.json'],
    zh: ['{path} 不存在', '可用路径见 /api/v1/openapi.json'],
  },
  CV_API_METHOD: {
    stage: 'api', retry: 'never', actor: 'developer', status: 405,
    en: ['{method} is not taken at {path}', 'allowed: {allowed}'],
    zh: ['{path} 不接受 {method}', '可用方法：{allowed}'],
  },
  CV_API_REQUEST: {
    stage: 'api', retry: 'never', actor: 'developer', status: 400,
    en: ['the request cannot be read: {detail}', 'compare with /api/v1/openapi.json'],
    zh: ['无法读取请求：{detail}', '对照 /api/v1/openapi.json'],
  },
  CV_API_ORIGIN: {
    stage: 'api', retry: 'never', actor: 'developer', status: 403,
    en: ['a page of {origin} may not change anything here', 'use the console that this gateway serves itself'],
    zh: ['来自 {origin} 的页面不能在此更改任何内容', '请使用本网关自带的控制台'],
  },
  CV_API_HOST: {
    stage: 'api', retry: 'after-change', actor: 'field-engineer', status: 421,
    en: ['"{host}" is not a name of this program', 'use its IP address, or add the name to http.hosts of its configuration'],
    zh: ['“{host}”不是本程序的主机名', '请使用 IP 地址访问，或将该名称加入其配置的 http.hosts'],
  },
  CV_API_READ_TOKEN: {
    stage: 'api', retry: 'after-change', actor: 'operator', status: 401,
    en: ['nobody is signed in', 'sign in on the console, or send `Authorization: Bearer <token>` with a token of a user, or of http.readers or operators of the gateway\'s configuration; where there is no user yet, use the set-up link that the gateway prints when it starts'],
    zh: ['尚未登录', '请在控制台登录，或发送 `Authorization: Bearer <令牌>`，令牌为用户的令牌，或取自网关配置的 http.readers 或 operators；尚无用户时，请使用网关启动时显示的设置链接'],
  },
  CV_EDGE_READ_TOKEN: {
    stage: 'api', retry: 'after-change', actor: 'field-engineer', status: 401,
    en: ['reading an edge from another machine needs its token', 'send `Authorization: Bearer <token>` with http.token of its configuration, or give it to the browser as the password; where there is none, add http.token'],
    zh: ['从其他机器读取边缘节点需要令牌', '请发送 `Authorization: Bearer <令牌>`，令牌为其配置中的 http.token，或在浏览器中作为密码输入；尚未设置时请添加 http.token'],
  },
  CV_API_TOO_MANY_VIEWERS: {
    stage: 'api', retry: 'backoff', actor: 'operator', status: 503,
    en: ['viewer limit reached ({count})', 'close pages that are not in use'],
    zh: ['已有 {count} 个实时观看连接', '关闭无人查看的页面'],
  },
  CV_API_INTERNAL: {
    stage: 'api', retry: 'backoff', actor: 'developer', status: 500,
    en: ['{path} failed: {detail}', 'try again; if it repeats, report it with the gateway\'s process log'],
    zh: ['{path} 处理失败：{detail}', '请重试；若反复出现，请附网关运行日志反馈'],
  },
  CV_API_LISTEN: {
    stage: 'open', retry: 'after-change', actor: 'field-engineer',
    en: ['cannot listen on {address}: {detail}', 'another program has the port, or the address is not of this machine: change http.host or http.port (0 takes a free one)'],
    zh: ['无法监听 {address}：{detail}', '端口被其他程序占用，或该地址不属于本机：请修改 http.host 或 http.port（0 表示任选空闲端口）'],
  },
  CV_CONSOLE_MISSING: {
    stage: 'api', retry: 'after-change', actor: 'field-engineer', status: 404,
    en: ['the console is not built', 'run: npm run build:console'],
    zh: ['控制台尚未构建', '请运行：npm run build:console'],
  },
} as const satisfies Record<`CV_${string}`, FaultRow>;
