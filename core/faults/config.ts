import type { FaultRow } from './row.ts';

/** Configuration files: found by `check` before anything opens. */
export const CONFIG_FAULTS = {
  CV_CONFIG_UNREADABLE: {
    stage: 'check', retry: 'after-change', actor: 'field-engineer',
    en: ['cannot read {path}: {detail}', 'check the path and that this user may read the file'],
    zh: ['无法读取 {path}：{detail}', '检查路径，并确认当前用户有读取权限'],
  },
  CV_CONFIG_SYNTAX: {
    stage: 'check', retry: 'after-change', actor: 'field-engineer',
    en: ['not valid YAML: {detail}', 'correct the line; indentation is by spaces, and a text that holds ": " or "#" needs quotes'],
    zh: ['不是有效的 YAML:{detail}', '修正该行；缩进只用空格，含有“: ”或“#”的文本要加引号'],
  },
  CV_SETTING_UNKNOWN: {
    stage: 'check', retry: 'after-change', actor: 'field-engineer',
    en: ['{owner} has no setting "{key}"', '{hint}'],
    zh: ['{owner} 没有名为“{key}”的设置', '{hint}'],
  },
  CV_SETTING_MISSING: {
    stage: 'check', retry: 'after-change', actor: 'field-engineer',
    en: ['setting "{key}" of {owner} is missing', 'add it: {hint}'],
    zh: ['{owner} 缺少设置“{key}”', '请补上：{hint}'],
  },
  CV_SETTING_INVALID: {
    stage: 'check', retry: 'after-change', actor: 'field-engineer',
    en: ['setting "{key}" of {owner}: {problem}', 'correct it: {hint}'],
    zh: ['{owner} 的设置“{key}”有误：{problem}', '请改正：{hint}'],
  },
  CV_SETTING_TWICE: {
    stage: 'check', retry: 'after-change', actor: 'field-engineer',
    en: ['"{key}" stands twice in one place, first on line {firstLine}', 'keep one of the two'],
    zh: ['同一处的“{key}”出现两次，第一次在第 {firstLine} 行', '只保留其中一个'],
  },
  CV_ID_TWICE: {
    stage: 'check', retry: 'after-change', actor: 'field-engineer',
    en: ['the id "{id}" of {owner} is taken already, on line {firstLine}', 'give each its own id'],
    zh: ['{owner} 的编号“{id}”已在第 {firstLine} 行使用', '每项使用各自的编号'],
  },
  CV_SECRET_MISSING: {
    stage: 'check', retry: 'after-change', actor: 'field-engineer',
    en: ['setting "{key}" of {owner} takes its value from {source}, which {problem}', '{hint}'],
    zh: ['{owner} 的设置“{key}”取自 {source}，但{problem}', '{hint}'],
  },
  CV_RELOAD_REFUSED: {
    stage: 'check', retry: 'after-change', actor: 'field-engineer',
    en: ['the changed configuration is not taken, the old one goes on: {problems} problem(s), first {first}', 'correct them (`cityvitals check --config {path}` names all), then give SIGHUP again'],
    zh: ['新配置未采用，继续按旧配置运行：{problems} 个问题，首个为 {first}', '用 `cityvitals check --config {path}` 查看全部问题，改正后重新发送 SIGHUP'],
  },
  CV_RELOAD_RESTART: {
    stage: 'check', retry: 'after-change', actor: 'field-engineer',
    en: ['changed in the file, and only a restart takes it in: {keys}', 'restart needed; what is in the log stays'],
    zh: ['文件中以下设置已改动，需重启后生效：{keys}', '需要重启；事件日志中的数据不受影响'],
  },
  CV_DRIVER_UNKNOWN: {
    stage: 'check', retry: 'after-change', actor: 'field-engineer',
    en: ['{owner}: there is no driver "{driver}"', '{hint}'],
    zh: ['{owner}：没有名为“{driver}”的驱动', '{hint}'],
  },
  CV_POINT_UNKNOWN: {
    stage: 'check', retry: 'after-change', actor: 'field-engineer',
    en: ['{owner} has no point "{point}"', '{hint}'],
    zh: ['{owner}没有名为“{point}”的测点', '{hint}'],
  },
  CV_UNIT_UNKNOWN: {
    stage: 'check', retry: 'after-change', actor: 'field-engineer',
    en: ['unit "{unit}" of {owner} is not a UCUM unit', '{hint}'],
    zh: ['{owner} 的单位“{unit}”不是 UCUM 单位', '{hint}'],
  },
} as const satisfies Record<`CV_${string}`, FaultRow>;
