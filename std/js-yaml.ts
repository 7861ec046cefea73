/** The YAML library, loaded with the first text: 5 MB that whoever speaks JSON never needs. */
type JsYaml = typeof import('js-yaml');

let loaded: JsYaml | undefined;

export function jsYaml(): JsYaml {
  return (loaded ??= process.getBuiltinModule('node:module').createRequire(import.meta.url)('js-yaml') as JsYaml);
}
