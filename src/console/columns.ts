/** Rows of words as aligned columns, for people. */

/** How a column stands: words to the left, figures to the right. */
export type Align = 'left' | 'right';

/** The rows with every column as wide as its widest cell, two spaces between them. */
export function columnLines(rows: readonly (readonly string[])[], aligns: readonly Align[]): readonly string[] {
  const widths = aligns.map((_, column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    aligns
      .map((align, column) => {
        const [cell, width] = [row[column] ?? '', widths[column] ?? 0];
        return align === 'right' ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd(),
  );
}
