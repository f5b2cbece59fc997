/** `ok` null: it cannot be tried here, `why` says so. */
export interface ClipCheckFinding {
  ok: boolean | null;
  why?: string;
  [figure: string]: unknown;
}
