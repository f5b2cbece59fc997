/** A text in both languages of the project. */
export interface Words {
  zh: string;
  en: string;
}
