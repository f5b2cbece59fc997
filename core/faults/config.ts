import type { FaultRow } from './row.ts';

/** Configuration files: found by `check` before anything opens. */
export const CONFIG_FAULTS = {
  CV_CONFIG_UNREADABLE: {
    stage: 'check', retry: 'after-change', actor: 'field-engineer',
    en: ['cannot read {path}: {detail}', 'check the path and that this user may read the file'],
    zh: ['无法读取 {path}:{detail}', '检查路径,并确认当前用户有读取权限'],
  },
  CV_CONFIG_SYNTAX: {
    stage: 'check', retry: 'after-change', actor: 'field-engineer',
    en: ['not valid YAML: {detail}', 'correct the line; indentation is by spaces, and a text that holds ": " or "#" needs quotes'],
    zh: ['不是有效的 YAML:{detail}', '修正该行;缩进只用空格,含有“: ”或“#”的文本要加引号'],
  },
  CV_SETTING_UNKNOWN: {
    stage: 'check', retry: 'after-change', actor: 'field-engineer',
    en: ['{owner} has no setting "{key}"', 'did you mean "{nearest}"? Known here: {known}'],
    zh: ['{owner} 没有名为“{key}”的设置', '是否想写“{nearest}”?此处可用:{known}'],
  },
  CV_SETTING_MISSING: {
    stage: 'check', retry: 'after-change', actor: 'field-engineer',
    en: ['setting "{key}" of {owner} is missing', 'add it: {hint}'],
    zh: ['{owner} 缺少设置“{key}”', '请补上:{hint}'],
  },
  CV_SETTING_INVALID: {
    stage: 'check', retry: 'after-change', actor: 'field-engineer',
    en: ['setting "{key}" of {owner}: {problem}', 'correct it: {hint}'],
    zh: ['{owner} 的设置“{key}”有误:{problem}', '请改正:{hint}'],
  },
} as const satisfies Record<`CV_${string}`, FaultRow>;
