/** `$(NAME)` in commands, arguments and values: known names are replaced, others left as they stand; `$$` is a dollar. */
export function expand(text: string, known: (name: string) => string | undefined): string {
  return text.replaceAll(/\$(\$|\(([^)]*)\))/g, (whole, dollar: string, name: string | undefined) => {
    if (dollar === '$') return '$';
    return (name === undefined ? undefined : known(name)) ?? whole;
  });
}
