/** What `/flagz` tells of the command line. */

/** As they are written on the command line. */
export function flagTexts(flags: object): Record<string, string> {
  const dashed = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return Object.fromEntries(Object.entries(flags).map(([name, value]) => [dashed(name), typeof value === 'object' ? JSON.stringify(value) : String(value)]));
}
