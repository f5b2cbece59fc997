/**
 * Indicators of records about ourselves: of no catalogue, as they say nothing about the town. These are their names, for people.
 */
export const OWN_INDICATORS = {
  'CV-CLIP': { zh: '事件短视频', en: 'clip of an event' },
  'CV-SNAPSHOT': { zh: '事件的主码流画面', en: 'main-stream picture of an event' },
  'CV-COMMAND': { zh: '命令', en: 'command' },
  'CV-CLOCK': { zh: '时钟', en: 'clock' },
  'CV-AUDIT': { zh: '审计', en: 'audit' },
} as const satisfies Record<`CV-${string}`, { zh: string; en: string }>;

export type OwnIndicator = keyof typeof OWN_INDICATORS;
