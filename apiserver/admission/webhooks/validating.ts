/** ValidatingAdmissionWebhook: webhooks that look at the final object, all called at once; the first refusal in their order is told. */
import { validatingwebhookconfigurations } from '../../../api/resources.ts';
import { internalError } from '../../../api/status.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import { isExempt, RequestTargets, type Target } from '../matching/subject.ts';
import { VersionedObjects } from '../matching/versioned.ts';
import { CallFailure, callHook, checkStillWaiting } from './call.ts';
import { followHooks, type Hook } from './hooks.ts';
import { isCalled, targetBy } from './matching.ts';
import type { WebhookDependencies } from './mutating.ts';

export function validatingWebhooks(dependencies: WebhookDependencies): AdmissionPlugin {
  const hooks = followHooks(dependencies.reader, validatingwebhookconfigurations);
  return {
    name: 'ValidatingAdmissionWebhook',
    lastlyAsksOthers: true,
    handles: (request) => hooks.all.length > 0 && !isExempt(request),
    async validate(request) {
      const objects = new VersionedObjects(request, dependencies.kinds);
      const relevant: { hook: Hook; target: Target }[] = [];
      const targets = new RequestTargets(request, dependencies.kinds);
      for (const hook of hooks.all) {
        const target = targetBy(hook, targets);
        if (target && (await isCalled(hook, target, request, { ...dependencies, objects, stage: 'validating' }))) relevant.push({ hook, target });
      }
      if (relevant.length === 0) return;
      checkStillWaiting(request);
      // A webhook's warnings come in the webhooks' order, however fast they are.
      const warnings = relevant.map((): string[] => []);
      const outcomes = await Promise.allSettled(
        relevant.map(async ({ hook, target }, index) => {
          const own: AdmissionRequest = { ...request, warnings: warnings[index] as string[] };
          await callHook({ hook, target, request: own, objects, mutating: false }, dependencies, () => undefined).catch((error: unknown) => outcome(error, { hook, request, index }));
        }),
      );
      request.warnings.push(...warnings.flat());
      for (const one of outcomes) if (one.status === 'rejected') throw one.reason;
    },
  };
}

/** Throws what refuses the request. */
function outcome(error: unknown, { hook, request, index }: { readonly hook: Hook; readonly request: AdmissionRequest; readonly index: number }): void {
  if (!(error instanceof CallFailure)) throw error;
  if (!hook.ignoresFailure) throw internalError(error.message, { cause: error });
  request.caller?.auditAnnotations?.set(`failed-open.validating.webhook.admission.k8s.io/round_0_index_${index}`, hook.name);
}
