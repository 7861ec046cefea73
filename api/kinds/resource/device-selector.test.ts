import { createErrors, kindOf } from '../testing.ts';

const OWN = 'device.attributes["dra.example.com"]';
const COMPLEX = 'Forbidden: too complex, exceeds cost limit';

/** What a real server says to a class that selects by these; '' is nothing. */
const ANSWERS: readonly (readonly [expression: string, answer: string])[] = [
  ['device.driver == "dra.example.com"', ''],
  [`${OWN}.model == "a" && ${OWN}.size > 1`, ''],
  ['cel.bind(dra, device.attributes["dra.example.com"], dra.oneBool && dra.anotherBool)', ''],
  ['device.capacity["dra.example.com"].memory.compareTo(quantity("1Gi")) >= 0', ''],
  [`${OWN}.matches.matches("x")`, ''],
  ['device.allowMultipleAllocations', ''],
  [`${OWN}.shared`, ''],
  ['device.driver', 'Invalid value: "device.driver": must evaluate to bool or the unknown type, not string'],
  [`${OWN}`, `Invalid value: ${JSON.stringify(OWN)}: must evaluate to bool or the unknown type, not map(string, google.protobuf.Any)`],
  ['device.attributes.all(x, device.attributes.all(y, device.attributes.all(z, device.attributes.all(w, w == "a"))))', COMPLEX],
  ['self', 'Invalid value: "self": compilation failed: ERROR: <input>:1:1: undeclared reference to \'self\' (in container \'\')\n | self\n | ^'],
];

test.each(ANSWERS)('%s', (expression, answer) => {
  const errors = createErrors(kindOf('DeviceClass', 'resource.k8s.io'), { spec: { selectors: [{ cel: { expression } }] } });
  expect(errors).toEqual(answer ? [`spec.selectors[0].cel.expression: ${answer}`] : []);
});
