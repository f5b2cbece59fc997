/** A text in both languages of the project. */
export interface BilingualText {
  zh: string;
  en: string;
}
