export default function Page() {
  return <p>A page that calls the service through Next.js.</p>;
}
