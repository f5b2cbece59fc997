/** What a part of the rig found. */
export interface PartResult {
  name: string;
  /** What did not hold. */
  failures: string[];
  figures: Record<string, number | string>;
}
