/** Whether the namespace and the object of a request carry the labels that a webhook or policy asks for. */
import { compileLabelSelector, matchesLabels, type Selector } from '../../../api/selectors.ts';
import { namespaces } from '../../../api/resources.ts';
import { notFound } from '../../../api/status.ts';
import type { Namespace } from '../../../api/types/core.v1.ts';
import type { LabelSelector } from '../../../api/types/meta.v1.ts';
import type { ApiObject } from '../../../api/kind.ts';
import type { DeepReadonly } from '../../../std/deep.ts';
import type { Reader, Stored } from '../../auth/reader.ts';
import type { AdmissionRequest } from '../admission.ts';
import { isNamespaceObject, namespaceOf } from './subject.ts';

export interface Selectors {
  /** Undefined: everything. */
  readonly namespace: Selector | undefined;
  readonly object: Selector | undefined;
}

/** Compiled when first asked for: what cannot be compiled refuses requests, not the object that holds it. */
export function compileSelectors({ namespaceSelector, objectSelector }: { readonly namespaceSelector?: unknown; readonly objectSelector?: unknown }): Selectors {
  let namespace: Selector | undefined | null = null;
  let object: Selector | undefined | null = null;
  return {
    get namespace() {
      return namespace === null ? (namespace = compiled(namespaceSelector)) : namespace;
    },
    get object() {
      return object === null ? (object = compiled(objectSelector)) : object;
    },
  };
}

function compiled(selector: unknown): Selector | undefined {
  const made = compileLabelSelector(selector as LabelSelector | undefined);
  return made.nothing || made.requirements.length > 0 ? made : undefined;
}

/** Either state of the object may carry them: what is about to lose its labels is still seen. Options of connections carry none. */
export function matchesObject(selector: Selector | undefined, { object, old }: Pick<AdmissionRequest, 'object' | 'old'>): boolean {
  if (!selector) return true;
  const carries = (one: Readonly<ApiObject> | undefined): boolean => one?.metadata !== undefined && matchesLabels(selector, one.metadata.labels ?? {});
  return carries(object) || carries(old);
}

/** Objects without a namespace are never held off; a namespace itself is judged by its own labels. Throws 404. */
export function matchesNamespace(selector: Selector | undefined, request: AdmissionRequest, reader: Reader): boolean | Promise<boolean> {
  if (!selector) return true;
  if (isNamespaceObject(request)) {
    if (request.subresource === '' && request.object && (request.operation === 'CREATE' || request.operation === 'UPDATE')) {
      return matchesLabels(selector, request.object.metadata.labels ?? {});
    }
  } else if (request.namespace === '') return true;
  const found = namespaceObject(namespaceOf(request), reader);
  return found instanceof Promise ? found.then(({ metadata }) => carries(selector, metadata)) : carries(selector, found.metadata);
}

function carries(selector: Selector, metadata: DeepReadonly<{ labels?: Record<string, string> }>): boolean {
  return matchesLabels(selector, metadata.labels ?? {});
}

/** Out of the cache, or past it where the cache lags behind. Throws 404. */
export function namespaceObject(name: string, reader: Reader): Stored<Namespace> | Promise<Stored<Namespace>> {
  const cached = reader.get(namespaces, '', name);
  if (cached) return cached;
  return reader.getFresh(namespaces, '', name).then((fresh) => {
    if (!fresh) throw notFound({ group: '', resource: 'namespaces', name });
    return fresh;
  });
}
