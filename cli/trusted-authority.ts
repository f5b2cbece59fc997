/** Lets this process trust a CA beside those that it trusts anyway: a gateway has a CA of its own. */
import { readFileSync } from 'node:fs';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';

/** @param path PEM. @throws what the file system and TLS say */
export function trustAuthority(path: string): void {
  setDefaultCACertificates([...getCACertificates('default'), readFileSync(path, 'utf8')]);
}
