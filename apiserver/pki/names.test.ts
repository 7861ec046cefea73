/** Names in certificates, read in a process that has not used TLS yet. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

test('reading a subject before anything else of TLS leaves TLS whole', () => {
  const program = `
    import { X509Certificate } from 'node:crypto';
    import { issueAuthority } from './issue.ts';
    import { subjectOf } from './names.ts';
    import { systemRandom } from '../../std/random.ts';
    const { certPem } = issueAuthority({ commonName: 'boats', random: systemRandom, notBefore: new Date(), notAfter: new Date(Date.now() + 60000) });
    const subject = subjectOf(new X509Certificate(certPem));
    const { createServer } = await import('node:tls');
    createServer();
    console.log(subject);
  `;
  expect(execFileSync(process.execPath, ['--input-type=module-typescript', '-e', program], { cwd: join(import.meta.dirname), encoding: 'utf8' })).toBe('["boats"]\n');
});
