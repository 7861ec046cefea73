/** The ranges that Services get addresses from: the server's own, and those of ServiceCIDR objects as they come and go. */
import { servicecidrs } from '../../api/resources.ts';
import type { ServiceCIDR } from '../../api/types/networking.v1.ts';
import type { Reader, Stored } from '../auth/reader.ts';
import { parseRange, type Family, type IpRange } from './ip-range.ts';

/** The object that says what the server's own ranges are. */
export const OWN_NAME = 'kubernetes';

export interface ServiceRanges {
  /** `--service-cluster-ip-range`: one, or one of each family; the first is the default family's. */
  readonly own: readonly IpRange[];
  readonly families: readonly Family[];
  /** Those that addresses are given out of now: the server's own first. */
  open(): readonly IpRange[];
  /** Also those that are closing: their addresses are in use. */
  all(): readonly IpRange[];
}

/** Throws on what is no range, or two of one family. */
export function createRanges(text: string, reader: Reader): ServiceRanges {
  const own = text.split(',').map((part) => parseRange(part.trim()));
  if (own.length > 2 || new Set(own.map(({ family }) => family)).size < own.length) throw new Error(`the Service ranges ${JSON.stringify(text)} are not supported: there may be one of each family`);
  const parsed = new Map<string, IpRange | undefined>();
  let known: { readonly open: readonly IpRange[]; readonly all: readonly IpRange[] } | undefined;
  let following = false;

  const look = (): NonNullable<typeof known> => {
    if (!following) {
      following = true;
      reader.onChange(servicecidrs, () => (known = undefined));
    }
    if (known) return known;
    const objects = [...reader.list(servicecidrs)].sort((a, b) => rank(a) - rank(b) || (a.metadata.name < b.metadata.name ? -1 : 1));
    // Before the first object is there, and where nobody serves such objects, the flag is what there is.
    if (objects.length === 0) return { open: own, all: own };
    const rangesOf = (some: readonly Stored<ServiceCIDR>[]): IpRange[] => {
      const texts = new Set(some.flatMap(({ spec }) => spec?.cidrs ?? []));
      return [...texts].flatMap((cidr) => rangeOf(cidr) ?? []);
    };
    return (known = { open: rangesOf(objects.filter(isOpen)), all: rangesOf(objects) });
  };
  const rangeOf = (cidr: string): IpRange | undefined => {
    if (!parsed.has(cidr)) {
      let range: IpRange | undefined;
      try {
        range = parseRange(cidr);
      } catch {
        // A network that is too large or too small to be given out.
      }
      parsed.set(cidr, range);
    }
    return parsed.get(cidr);
  };
  return { own, families: own.map(({ family }) => family), open: () => look().open, all: () => [...look().all, ...own] };
}

function rank({ metadata }: Stored<ServiceCIDR>): number {
  return metadata.name === OWN_NAME ? 0 : 1;
}

/** The server's own is open as soon as it is there: nobody waits for its status. */
function isOpen({ metadata, status }: Stored<ServiceCIDR>): boolean {
  if (metadata.deletionTimestamp !== undefined) return false;
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return ready?.status === 'True' || (ready === undefined && metadata.name === OWN_NAME);
}
