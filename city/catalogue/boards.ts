/** The eight boards (八大板块) and their runways (跑道). */
import type { BilingualText } from '../../core/bilingual-text.ts';

export const BOARDS = {
  DJ: { zh: '党建统领', en: 'party-led coordination' },
  JJ: { zh: '经济发展', en: 'economy' },
  SS: { zh: '设施运行', en: 'facility operation' },
  SH: { zh: '社会治理', en: 'social governance' },
  YJ: { zh: '应急动员', en: 'emergency' },
  WM: { zh: '文明创建', en: 'civility' },
  ST: { zh: '生态景观', en: 'ecology and landscape' },
  FW: { zh: '生产生活服务', en: 'services' },
} as const satisfies Record<string, BilingualText>;
