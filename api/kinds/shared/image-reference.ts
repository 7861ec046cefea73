/** The tag that an image reference means, by the grammar of the distribution project. */

const COMPONENT = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const DOMAIN_PART = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const DOMAIN = `(?:${DOMAIN_PART}(?:\\.${DOMAIN_PART})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`;
const REFERENCE = new RegExp(
  `^(?:${DOMAIN}/)?${COMPONENT}(?:/${COMPONENT})*(?::([\\w][\\w.-]{0,127}))?(?:@([A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?$`,
);
const NAME_LIMIT = 255;

/** `latest` where neither tag nor digest is given; '' for a digest alone and for text that is no reference. */
export function imageTag(image: string): string {
  const known = tags.get(image);
  if (known !== undefined) return known;
  const tag = tagOf(image);
  if (image.length > NAME_LIMIT) return tag;
  if (tags.size >= KNOWN_LIMIT) tags.clear();
  tags.set(image, tag);
  return tag;
}

/** Few images make many pods. All are forgotten when there are more. */
const KNOWN_LIMIT = 512;
const tags = new Map<string, string>();

function tagOf(image: string): string {
  if (/^[a-f0-9]{64}$/.test(image)) return '';
  const match = REFERENCE.exec(image);
  if (!match || hasUpperCase(image)) return '';
  if (nameLength(image) > NAME_LIMIT) return '';
  return match[1] ?? (match[2] ? '' : 'latest');
}

/** With the domain and the folder that Docker adds to short names. */
function nameLength(image: string): number {
  const name = (image.split('@')[0] ?? '').replace(/:[^/:]*$/, '');
  const first = name.includes('/') ? name.slice(0, name.indexOf('/')) : '';
  if (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase()) return name.length;
  return name.length + (first === '' ? 'docker.io/library/' : 'docker.io/').length;
}

/** Only a domain may have upper case: a first part with a dot, a port, upper case letters, or `localhost`. */
function hasUpperCase(image: string): boolean {
  const slash = image.indexOf('/');
  const first = image.slice(0, Math.max(slash, 0));
  const isDomain = slash > 0 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase());
  const rest = isDomain ? image.slice(slash + 1) : image;
  const path = rest.split('@')[0]?.replace(/:[^/]*$/, '') ?? '';
  return path !== path.toLowerCase();
}
