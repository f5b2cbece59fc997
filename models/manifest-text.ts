/** A model's description as YAML that `readManifest` takes: for graphs that are imported, and models that are fetched to a folder. */
import { Document, visit } from 'yaml';
import type { ModelSpec } from '../core/model.ts';

/** @param remarks a line each, above the whole; `file` is written as it is: relative to where the manifest will lie */
export function manifestText({ id, title, classes, classesZh, ...rest }: ModelSpec, remarks: readonly string[] = []): string {
  const { version, task, licence, source, ...technical } = rest;
  const named = classes.map((en, at) => (classesZh?.[at] === undefined || classesZh[at] === en ? en : { en, zh: classesZh[at] }));
  const document = new Document({ name: id, version, task, title, licence, source, ...technical, classes: named });
  // Shapes, colours and classes on one line each.
  visit(document, { Seq(_key, node) { node.flow = node.items.length > 0 && !('items' in (node.items[0] as object)) ; } });
  if (remarks.length > 0) document.commentBefore = remarks.map((line) => ` ${line}`).join('\n');
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}
