/** How a definition may say that its versions are converted. Provenance: apiextensions-apiserver pkg/apis/apiextensions/validation of v0.36. */
import { forbiddenField, invalid, notSupported, type Path, required, type FieldError } from '../../field-error.ts';
import type { CustomResourceConversion } from '../../types/apiextensions.v1.ts';
import { caBundleProblem } from '../shared/ca-bundle.ts';
import { dns1035Label } from '../shared/formats.ts';
import { checkWebhookClient } from '../shared/webhook-client-rules.ts';

const STRATEGIES = ['None', 'Webhook'];
const REVIEW_VERSIONS = ['v1', 'v1beta1'];

export interface ConversionFacts {
  /** Objects may hold anything at all, which no webhook could convert. */
  readonly keepsUnknown: boolean;
  /** The webhook's authorities must be such: not before the definition is established, nor where they were none before. */
  readonly checksBundle: boolean;
}

export function validateConversion(conversion: CustomResourceConversion | undefined, { keepsUnknown, checksBundle }: ConversionFacts, path: Path): FieldError[] {
  if (!conversion) return [];
  const { strategy } = conversion;
  const errors = keepsUnknown && strategy !== 'None' ? [invalid(path.child('strategy'), strategy ?? '', 'must be None if spec.preserveUnknownFields is true')] : [];
  return [...errors, ...validateStrategy(conversion, checksBundle, path)];
}

function validateStrategy({ strategy = '', webhook }: CustomResourceConversion, checksBundle: boolean, path: Path): FieldError[] {
  if (strategy === '') return [required(path.child('strategy'))];
  const errors = STRATEGIES.includes(strategy) ? [] : [notSupported(path.child('strategy'), strategy, STRATEGIES)];
  const config = path.child('webhookClientConfig');
  const versions = webhook?.conversionReviewVersions ?? [];
  if (strategy === 'Webhook') {
    const client = webhook?.clientConfig;
    errors.push(...(client ? checkWebhookClient(client, config) : [required(config, 'required when strategy is set to Webhook')]));
    const bundle = client?.caBundle ?? '';
    const problem = checksBundle ? caBundleProblem(bundle) : undefined;
    if (problem !== undefined) errors.push(invalid(config.child('caBundle'), bundle, problem));
    return [...errors, ...validateReviewVersions(versions, path.child('conversionReviewVersions'))];
  }
  const why = 'should not be set when strategy is not set to Webhook';
  if (webhook?.clientConfig) errors.push(forbiddenField(config, why));
  if (versions.length > 0) errors.push(forbiddenField(path.child('conversionReviewVersions'), why));
  return errors;
}

function validateReviewVersions(versions: readonly string[], path: Path): FieldError[] {
  if (versions.length === 0) return [required(path)];
  const errors: FieldError[] = [];
  for (const [at, version] of versions.entries()) {
    if (versions.indexOf(version) < at) errors.push(invalid(path.index(at), version, 'duplicate version'));
    else errors.push(...dns1035Label(version).map((why) => invalid(path.index(at), version, why)));
  }
  if (!versions.some((version) => REVIEW_VERSIONS.includes(version))) errors.push(invalid(path, versions, `must include at least one of ${REVIEW_VERSIONS.join(', ')}`));
  return errors;
}
