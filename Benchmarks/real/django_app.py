# {"requirements": ["django", "apig-wsgi"], "peer": "gunicorn", "path": "/items/5?q=y"}
from apig_wsgi import make_lambda_handler
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import JsonResponse
from django.urls import path

settings.configure(SECRET_KEY="x", ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], DEBUG=False)


def read(request, item):
    return JsonResponse({"item": item, "q": request.GET.get("q")})


urlpatterns = [path("items/<int:item>", read)]
app = get_wsgi_application()
answer = make_lambda_handler(app)


def handler(event, context):
    return answer(event, context)
