/** The four levels and how they are spoken of. Compare by number; smaller is worse. */
import type { BilingualText } from '../../core/bilingual-text.ts';
import type { Level } from '../../core/event.ts';

export const LEVEL_WORDS: Readonly<Record<Level, BilingualText>> = {
  1: { zh: '红色', en: 'RED' },
  2: { zh: '橙色', en: 'ORANGE' },
  3: { zh: '黄色', en: 'YELLOW' },
  4: { zh: '蓝色', en: 'BLUE' },
};
