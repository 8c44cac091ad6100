import { TwoCats } from './TwoCats.jsx';

export default function Page() {
  return <TwoCats />;
}
