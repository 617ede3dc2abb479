"""The models: category, decision, finding, kinds of fault, injustice and remedy, learnt from labelled text.

from pipeline.classify import predict

print(predict(decision).category)
"""

from pipeline.classify.combine import combine, combine_all
from pipeline.classify.models import BadModel, models_digest
from pipeline.classify.predict import (
    fault_types,
    injustice_types,
    label_sentences,
    predict,
    predict_all,
    remedy_types,
)
from pipeline.values import Prediction

__all__ = [
    "BadModel",
    "Prediction",
    "combine",
    "combine_all",
    "fault_types",
    "injustice_types",
    "label_sentences",
    "models_digest",
    "predict",
    "predict_all",
    "remedy_types",
]
