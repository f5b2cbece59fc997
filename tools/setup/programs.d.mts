export function installPrograms(names: readonly string[]): void;
export function present(name: string): boolean;
export function packagesOf(names: readonly string[]): string[];
