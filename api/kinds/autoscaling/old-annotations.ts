/**
 * What annotations of HorizontalPodAutoscaler v1 carry, read as Go reads JSON into its types: names in any case, null as nothing,
 * and all or nothing: where one value is of another type, the annotation counts as absent. Pure.
 */
import { parseQuantity } from '../../quantity.ts';

type Shape = 'text' | 'number' | 'quantity' | 'time' | 'texts' | readonly [Shape] | { readonly [field: string]: Shape };

const REFERENCE: Shape = { kind: 'text', name: 'text', apiVersion: 'text' };
const SELECTOR: Shape = { matchLabels: 'texts', matchExpressions: [{ key: 'text', operator: 'text', values: ['text'] }] };
const RESOURCE = { name: 'text', targetAverageUtilization: 'number', targetAverageValue: 'quantity' } as const;
const CURRENT = { name: 'text', currentAverageUtilization: 'number', currentAverageValue: 'quantity' } as const;
const RULES: Shape = { StabilizationWindowSeconds: 'number', SelectPolicy: 'text', Policies: [{ Type: 'text', Value: 'number', PeriodSeconds: 'number' }], Tolerance: 'quantity' };

export const METRICS: Shape = [{
  type: 'text',
  object: { target: REFERENCE, metricName: 'text', targetValue: 'quantity', selector: SELECTOR, averageValue: 'quantity' },
  pods: { metricName: 'text', targetAverageValue: 'quantity', selector: SELECTOR },
  resource: RESOURCE,
  containerResource: { ...RESOURCE, container: 'text' },
  external: { metricName: 'text', metricSelector: SELECTOR, targetValue: 'quantity', targetAverageValue: 'quantity' },
}];
export const CURRENT_METRICS: Shape = [{
  type: 'text',
  object: { target: REFERENCE, metricName: 'text', currentValue: 'quantity', selector: SELECTOR, averageValue: 'quantity' },
  pods: { metricName: 'text', currentAverageValue: 'quantity', selector: SELECTOR },
  resource: CURRENT,
  containerResource: { ...CURRENT, container: 'text' },
  external: { metricName: 'text', metricSelector: SELECTOR, currentValue: 'quantity', currentAverageValue: 'quantity' },
}];
export const CONDITIONS: Shape = [{ type: 'text', status: 'text', lastTransitionTime: 'time', reason: 'text', message: 'text' }];
export const BEHAVIOR: Shape = { ScaleUp: RULES, ScaleDown: RULES };

/** Undefined where there is no annotation, or none that can be read. Fields have the names of the shape. */
export function readAnnotation(shape: Shape, text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return take(shape, JSON.parse(text)) ?? (Array.isArray(shape) ? [] : {});
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof Mistyped) return undefined;
    throw error;
  }
}

class Mistyped extends Error {}

const INT32 = 2 ** 31;

function take(shape: Shape, value: unknown): unknown {
  if (value === null) return undefined;
  if (typeof shape === 'string') return takeScalar(shape, value);
  if (Array.isArray(shape)) {
    if (!Array.isArray(value)) throw new Mistyped();
    const [of] = shape as [Shape];
    return value.map((item) => take(of, item) ?? (typeof of === 'string' ? '' : {}));
  }
  if (typeof value !== 'object' || Array.isArray(value)) throw new Mistyped();
  const fields = new Map(Object.entries(shape).map(([name, of]) => [name.toLowerCase(), { name, of }]));
  const out: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) {
    const field = fields.get(key.toLowerCase());
    const taken = field && take(field.of, inner);
    if (field && taken !== undefined) out[field.name] = taken;
  }
  return out;
}

function takeScalar(shape: 'text' | 'number' | 'quantity' | 'time' | 'texts', value: unknown): unknown {
  switch (shape) {
    case 'number':
      if (typeof value !== 'number' || !Number.isInteger(value) || value >= INT32 || value < -INT32) throw new Mistyped();
      return value;
    case 'quantity': {
      const text = typeof value === 'number' ? String(value) : value;
      if (typeof text !== 'string' || (text !== '' && !parseQuantity(text))) throw new Mistyped();
      return text === '' ? '0' : text;
    }
    case 'texts':
      if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Mistyped();
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, take('text', inner) ?? '']));
    default:
      if (typeof value !== 'string' || (shape === 'time' && Number.isNaN(Date.parse(value)))) throw new Mistyped();
      return value;
  }
}
