/** Label and field selectors: parsing, matching, printing. */
export { labelKeyProblems, labelValueProblems } from './selectors/label-syntax.ts';
export {
  compileLabelSelector,
  exactLabel,
  formatSelector,
  matchesLabels,
  selectEverything,
  selectLabels,
  selectNothing,
  type LabelRequirement,
  type Selector,
} from './selectors/label-selector.ts';
export { parseLabelSelector } from './selectors/parse-labels.ts';
export {
  escapeFieldValue,
  exactField,
  formatFieldSelector,
  matchesFields,
  parseFieldSelector,
  type FieldRequirement,
  type FieldSelector,
} from './selectors/field-selector.ts';
