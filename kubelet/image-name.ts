/** Names of images: which registry they are of, and the tag that goes without saying. */

const DOMAIN = String.raw`(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?`;
const PART = String.raw`[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*`;
const REFERENCE = new RegExp(String.raw`^(?:(${DOMAIN})\/)?(${PART}(?:\/${PART})*)(?::([\w][\w.-]{0,127}))?(?:@([A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?$`);

/** With `:latest` where there is neither tag nor digest; undefined where this is no name. */
export function withDefaultTag(image: string): string | undefined {
  const match = REFERENCE.exec(image);
  if (!match) return undefined;
  return match[3] || match[4] ? image : `${image}:latest`;
}

/** `docker.io/library/busybox` for `busybox:1`. */
export function repositoryOf(image: string): string {
  const match = REFERENCE.exec(image);
  const first = match?.[1];
  const path = match?.[2] ?? image;
  // A first segment without dot, port or `localhost` is no host.
  const isHost = first !== undefined && (/[.:]/.test(first) || first === 'localhost');
  if (isHost) return `${first}/${path}`;
  const whole = first === undefined ? path : `${first}/${path}`;
  return `docker.io/${whole.includes('/') ? whole : `library/${whole}`}`;
}
