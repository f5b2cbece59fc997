import type { FaultRow } from './row.ts';

/** Recorded cases, captures, recording and replay. */
export const CASE_FAULTS = {
  CV_CASE_UNREADABLE: {
    stage: 'cli', retry: 'after-change', actor: 'operator',
    en: ['{path} cannot be read: {detail}', 'a case is a folder with case.yaml, and traffic.jsonl or frames.jsonl'],
    zh: ['{path} 无法读取：{detail}', '案例是一个目录，内有 case.yaml，以及 traffic.jsonl 或 frames.jsonl'],
  },
  CV_CASE_VERSION: {
    stage: 'cli', retry: 'after-change', actor: 'operator',
    en: ['{path} is a case of version {version}, this program reads version {known}', 'take a program of the version that recorded it'],
    zh: ['{path} 的案例版本为 {version}，本程序读取的版本为 {known}', '请使用录制它的程序版本'],
  },
  CV_CASE_LINE: {
    stage: 'cli', retry: 'after-change', actor: 'operator',
    en: ['{place}: {detail}', 'record it again, or take this line out'],
    zh: ['{place}：{detail}', '请重新录制，或删去此行'],
  },
} as const satisfies Record<`CV_${string}`, FaultRow>;
