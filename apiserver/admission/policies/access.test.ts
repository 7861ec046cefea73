import type { Attributes, Decision } from '../../auth/auth.ts';
import type { ClusterAuthorizer } from '../../auth/authorizer.ts';
import { AccessAnswers } from './access.ts';

const user = { name: 'u', groups: [] };

function authorizer(answer: (attributes: Attributes) => Decision | Promise<Decision>): { readonly asked: Attributes[]; readonly it: ClusterAuthorizer } {
  const asked: Attributes[] = [];
  const authorize = (attributes: Attributes): Decision | Promise<Decision> => {
    asked.push(attributes);
    return answer(attributes);
  };
  return { asked, it: { authorize } as unknown as ClusterAuthorizer };
}

test('answers that must be waited for are there when the question is asked again, one after the other', async () => {
  const { it, asked } = authorizer(async ({ verb }) => ({ decision: verb === 'get' ? 'allow' : 'no-opinion', reason: verb }));
  const access = new AccessAnswers(it, user);
  const may = (verb: string): boolean => access.decide({ verb, resource: 'pods' }).allowed;
  expect(await access.answered(() => (may('get') ? [may('list'), may('watch')] : 'not yet'))).toEqual([false, false]);
  expect(asked.map(({ verb }) => verb)).toEqual(['get', 'list', 'watch']);
});

test('a question is asked once, in the name that it gives', async () => {
  const { it, asked } = authorizer(() => ({ decision: 'allow', reason: '' }));
  const access = new AccessAnswers(it, user);
  for (let i = 0; i < 2; i++) access.decide({ verb: 'get', path: '/healthz', serviceAccount: { namespace: 'n', name: 'a' } });
  expect(asked).toEqual([expect.objectContaining({ path: '/healthz', user: { name: 'system:serviceaccount:n:a', groups: ['system:serviceaccounts', 'system:serviceaccounts:n', 'system:authenticated'] } })]);
});

test('an authorizer that fails is told as an error', async () => {
  const access = new AccessAnswers(authorizer(() => Promise.reject(new Error('out of reach'))).it, user);
  expect(await access.answered(() => access.decide({ verb: 'get', path: '/' }))).toEqual({ allowed: false, error: 'out of reach' });
});
