/** Policies with their bindings as admission uses them: compiled when first needed, in the order of their names. */
import type { ResourceRef } from '../../../api/resources.ts';
import type { MatchResources, ParamKind, ParamRef } from '../../../api/types/admissionregistration.v1.ts';
import type { DeepReadonly } from '../../../std/deep.ts';
import type { Reader, Stored } from '../../auth/reader.ts';
import { compileMatch, type Match } from './match.ts';

interface PolicyObject {
  readonly metadata: object;
  readonly spec: { readonly matchConstraints?: MatchResources; readonly paramKind?: ParamKind; readonly failurePolicy?: string };
}

interface BindingObject {
  readonly metadata: object;
  readonly spec: { readonly policyName?: string; readonly paramRef?: ParamRef; readonly matchResources?: MatchResources };
}

export interface Binding<B> {
  readonly name: string;
  /** Absent: all that the policy speaks of. */
  readonly match: Match | undefined;
  readonly paramRef: DeepReadonly<ParamRef> | undefined;
  readonly spec: B;
}

export interface Policy<C, B> {
  readonly name: string;
  readonly match: Match;
  readonly paramKind: DeepReadonly<ParamKind> | undefined;
  readonly ignoresFailure: boolean;
  readonly bindings: readonly Binding<B>[];
  readonly compiled: C;
}

export interface Policies<C, B> {
  /** Those that are bound. */
  readonly all: readonly Policy<C, B>[];
  close(): void;
}

export interface FollowOptions<P extends PolicyObject, B extends BindingObject, C> {
  readonly policies: ResourceRef<P>;
  readonly bindings: ResourceRef<B>;
  readonly compile: (policy: Stored<P>) => C;
}

type Unbound<C, B> = Omit<Policy<C, B>, 'bindings'>;

export function followPolicies<P extends PolicyObject, B extends BindingObject, C>(reader: Reader, { policies, bindings, compile }: FollowOptions<P, B, C>): Policies<C, Stored<B>['spec']> {
  const known = new Map<string, Unbound<C, Stored<B>['spec']>>();
  const bound = new Map<string, Binding<Stored<B>['spec']> & { readonly policy: string }>();
  let all: readonly Policy<C, Stored<B>['spec']>[] | undefined = [];
  const following = [
    reader.onChange(policies, ({ type, name, object }) => {
      all = undefined;
      if (type === 'deleted') known.delete(name);
      else known.set(name, policyOf(object, compile));
    }),
    reader.onChange(bindings, ({ type, name, object }) => {
      all = undefined;
      if (type === 'deleted') bound.delete(name);
      else bound.set(name, bindingOf(object));
    }),
  ];
  const list = (): readonly Policy<C, Stored<B>['spec']>[] => {
    const sorted = [...bound.values()].sort(byName);
    return [...known.values()]
      .sort(byName)
      .map((policy) => Object.assign(Object.create(policy) as Unbound<C, Stored<B>['spec']>, { bindings: sorted.filter((binding) => binding.policy === policy.name) }))
      .filter((policy) => policy.bindings.length > 0);
  };
  return {
    get all() {
      return (all ??= list());
    },
    close() {
      for (const one of following) one.close();
    },
  };
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1;
}

function policyOf<P extends PolicyObject, B, C>(object: Stored<P>, compile: (policy: Stored<P>) => C): Unbound<C, B> {
  const { metadata, spec } = object as Stored<PolicyObject>;
  let compiled: C | undefined;
  return {
    name: metadata.name, match: compileMatch(spec.matchConstraints ?? {}), paramKind: spec.paramKind, ignoresFailure: spec.failurePolicy === 'Ignore',
    get compiled() {
      return (compiled ??= compile(object));
    },
  };
}

function bindingOf<B extends BindingObject>(object: Stored<B>): Binding<Stored<B>['spec']> & { readonly policy: string } {
  const { metadata, spec } = object as Stored<BindingObject>;
  return {
    name: metadata.name, policy: spec.policyName ?? '', match: spec.matchResources && compileMatch(spec.matchResources), paramRef: spec.paramRef,
    spec: object.spec,
  };
}
