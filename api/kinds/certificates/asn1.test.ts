import { requestProblem } from './asn1.ts';

const REQUEST = atob('MIHFMG4CAQAwDDEKMAgGA1UEAwwBeDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABMn40hIh1hx+TIhl8cvi6/w+ApJxYWEsqbyiU6dk/M3DzQcp0Cc9cRbi+qhb6fFdwkOwsF95ao24P3+wqrLMgEegADAKBggqhkjOPQQDAgNHADBEAiASQp9aAlAljDKS0gbuqiLbWfhprSFiwZawFtadPDjXVgIgAJiSHWoHp/VM2pujpjHsDX7DnPZVvwCfXFHJ23+EtRs=');
const PARAMETERS = '{optional:false explicit:false application:false private:false defaultValue:<nil> tag:<nil> stringType:0 timeType:0 set:false omitEmpty:false}';
const STRUCTURE = 'asn1: structure error: ';
const SYNTAX = 'asn1: syntax error: ';

test.each([
  ['a request', REQUEST, undefined],
  ['something behind it', `${REQUEST}x`, `${SYNTAX}trailing data`],
  ['its beginning', REQUEST.slice(0, 50), `${SYNTAX}data truncated`],
  ['nothing', '', `${SYNTAX}sequence truncated`],
  ['an empty sequence', '\x30\x00', `${SYNTAX}sequence truncated`],
  ['a number', '\x02\x01\x05', `${STRUCTURE}tags don't match (16 vs {class:0 tag:2 length:1 isCompound:false}) ${PARAMETERS} certificateRequest @2`],
  ['a sequence of a number', '\x30\x03\x02\x01\x05', `${STRUCTURE}tags don't match (16 vs {class:0 tag:2 length:1 isCompound:false}) ${PARAMETERS} tbsCertificateRequest @2`],
  ['text', 'hello', `${STRUCTURE}tags don't match (16 vs {class:1 tag:8 length:101 isCompound:true}) ${PARAMETERS} certificateRequest @2`],
  ['no end', '\x30\x80\x00\x00', `${SYNTAX}indefinite length found (not DER)`],
  ['a length in too many bytes', '\x30\x81\x05', `${STRUCTURE}non-minimal length`],
])('requestProblem() of %s', (_, bytes, expected) => {
  expect(requestProblem(bytes)).toBe(expected);
});
