/** Topics and filters of MQTT (3.1.1, 4.7). Pure. */

export function isTopicFilter(text: string): boolean {
  if (text.length === 0 || text.length > 1024 || text.includes('\0')) return false;
  const levels = text.split('/');
  return levels.every((level, at) => (level === '#' ? at === levels.length - 1 : level === '+' || !/[+#]/.test(level)));
}

/** Filters that begin with a wildcard do not see topics that begin with `$`. */
export function topicMatches(filter: string, topic: string): boolean {
  if (topic.startsWith('$') && /^[+#]/.test(filter)) return false;
  const wanted = filter.split('/');
  const levels = topic.split('/');
  for (const [at, level] of wanted.entries()) {
    if (level === '#') return true;
    if (levels[at] === undefined || (level !== '+' && level !== levels[at])) return false;
  }
  return wanted.length === levels.length;
}
