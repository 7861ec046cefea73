/** Swagger documents as documents of OpenAPI version 3. */
import { convertSwagger } from './convert-openapi.ts';

test('paths, bodies, answers, parameters and references take the form of version 3', () => {
  const gvk = [{ group: 'far.example.com', kind: 'Star', version: 'v1' }];
  const star = { $ref: '#/definitions/far.Star' };
  expect(convertSwagger({
    swagger: '2.0', info: { title: 'far', version: '1' },
    paths: {
      '/apis/far.example.com/v1/stars': {
        parameters: [{ uniqueItems: true, type: 'string', name: 'pretty', in: 'query', description: 'nicely' }],
        post: {
          consumes: ['application/json', '*/*'], produces: ['application/json'], schemes: ['https'], operationId: 'createStar', 'x-kubernetes-action': 'post', 'x-kubernetes-group-version-kind': gvk,
          parameters: [{ name: 'body', in: 'body', required: true, schema: star }, { type: 'integer', format: 'int32', name: 'limit', in: 'query' }],
          responses: { 201: { description: 'Created', schema: star }, 401: { description: 'Unauthorized' } },
        },
      },
    },
    definitions: {
      'far.Star': { type: 'object', properties: { spec: { description: 'what', $ref: '#/definitions/far.Spec' }, list: { type: 'array', items: star }, map: { additionalProperties: star }, any: { additionalProperties: true } } },
      'far.Spec': { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    },
    securityDefinitions: { BearerToken: { type: 'apiKey', name: 'authorization', in: 'header' }, O: { type: 'oauth2', flow: 'implicit', authorizationUrl: 'https://a', scopes: { a: 'b' } } },
  })).toEqual({
    openapi: '3.0.0', info: { title: 'far', version: '1' },
    paths: {
      '/apis/far.example.com/v1/stars': {
        parameters: [{ name: 'pretty', in: 'query', description: 'nicely', schema: { type: 'string', uniqueItems: true } }],
        post: {
          operationId: 'createStar', 'x-kubernetes-action': 'post', 'x-kubernetes-group-version-kind': gvk,
          parameters: [{ name: 'limit', in: 'query', schema: { type: 'integer', format: 'int32' } }],
          requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/far.Star' } }, '*/*': { schema: { $ref: '#/components/schemas/far.Star' } } } },
          responses: { 201: { description: 'Created', content: { 'application/json': { schema: { $ref: '#/components/schemas/far.Star' } } } }, 401: { description: 'Unauthorized' } },
        },
      },
    },
    components: {
      schemas: {
        'far.Star': { type: 'object', properties: {
          spec: { description: 'what', allOf: [{ $ref: '#/components/schemas/far.Spec' }] }, list: { type: 'array', items: { $ref: '#/components/schemas/far.Star' } },
          map: { additionalProperties: { $ref: '#/components/schemas/far.Star' } }, any: { additionalProperties: true },
        } },
        'far.Spec': { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      },
      securitySchemes: { BearerToken: { type: 'apiKey', name: 'authorization', in: 'header' }, O: { type: 'oauth2', flows: { implicit: { authorizationUrl: 'https://a', scopes: { a: 'b' } } } } },
    },
  });
});
