/** One part of a path as it was meant; what is wrongly encoded stays as it came. */
export function decodePathPart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
