/** How a heading is linked to, as GitHub and others make it of its text. */
export const anchor = (title: string): string =>
  title
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
