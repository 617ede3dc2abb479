from pipeline.values import Decision, Extraction

def extract(decision: Decision) -> Extraction:
    return Extraction()

def extract_all(decisions):
    return [(Extraction(), False) for d in decisions]
