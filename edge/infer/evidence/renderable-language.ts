/** Whether Chinese can be written into a picture here: without a font for it every character comes out as the same box. */
import type { Language } from '../../../core/faults.ts';

/** Two that no font draws alike. */
const UNLIKE = ['人', '区'] as const;

let known: Promise<boolean> | null = null;

/** The wanted language, or English where its characters cannot be drawn. */
export async function renderableLanguage(language: Language): Promise<Language> {
  if (language === 'en') return 'en';
  known ??= canDraw();
  return (await known) ? language : 'en';
}

async function canDraw(): Promise<boolean> {
  const { default: sharp } = await import('sharp');
  const [one, other] = await Promise.all(
    UNLIKE.map((text) => {
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><text x="4" y="32" font-family="sans-serif" font-size="32">${text}</text></svg>`;
      return sharp(Buffer.from(svg)).raw().toBuffer();
    }),
  );
  return one !== undefined && other !== undefined && !one.equals(other) && one.some((value) => value > 0);
}
